package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.TinyImage.CLUSTER;
import static dev.gaur.format.qcow2.TinyImage.DATA;
import static dev.gaur.format.qcow2.TinyImage.TABLE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Small images with data, and with damage, for tests of repairs. */
final class DamagedImages {
    private static final long COPIED = L2Entry.COPIED;
    private static final int DIRTY_AND_CORRUPT = 3;

    private DamagedImages() {}

    /** Data of the two clusters, to be found again. */
    static TinyImage withData() {
        byte[] data = new byte[2 * CLUSTER];
        Arrays.fill(data, 0, CLUSTER, (byte) 5);
        Arrays.fill(data, CLUSTER, 2 * CLUSTER, (byte) 6);
        return new TinyImage().putBytes(DATA, data);
    }

    /** Fails unless the guest's data lies where it lay. */
    static void assertDataIntact(byte[] image) {
        byte[] sound = withData().toBytes();
        assertArrayEquals(
                Arrays.copyOfRange(sound, DATA, sound.length),
                Arrays.copyOfRange(image, DATA, sound.length));
    }

    /** An image with one snapshot of nothing, whose entry has {@code extra} bytes. */
    static TinyImage withSnapshot(int extra, int stated) {
        TinyImage image = withData();
        int l1 = image.addCluster();
        int table = image.addCluster();
        ByteBuffer entry = ByteBuffer.allocate(40 + extra + 2);
        entry.putLong(0, l1).putInt(8, 1).putShort(12, (short) 1).putShort(14, (short) 1);
        entry.putInt(32, 1234).putInt(36, stated);
        entry.put(40 + extra, new byte[] {'7', 'n'});
        return image.putBytes(table, entry.array()).put32(60, 1).put(64, table);
    }

    /** An entry without data reserves parts of two clusters that nothing else uses. */
    private static TinyImage withCountedIllegalPlace() {
        TinyImage image = withData();
        int place = image.addCluster();
        image.addCluster();
        return image.entry(2, place + 512 | COPIED | L2Entry.ZERO);
    }

    /** Images with damage that can be repaired, by name. */
    static Map<String, TinyImage> damaged() {
        Map<String, TinyImage> images = new TreeMap<>();
        images.put("leak", withData().entry(1, 0).put(72, DIRTY_AND_CORRUPT));
        images.put("count too low", withData().entry(2, DATA | COPIED).count(9, 3));
        images.put("lost counts", withData().count(5, 0).count(6, 0).put(88, 1L << 20));
        images.put("lost block", withData().put(TABLE, 0).entry(0, DATA));
        images.put("illegal place", withData().entry(2, 513 | COPIED | CLUSTER));
        images.put("illegal place that is counted", withCountedIllegalPlace());
        images.put("the same and a count too low", withCountedIllegalPlace().entry(3, DATA));
        images.put("dirty, count too low", withData().entry(2, DATA | COPIED).put(72, 1));
        images.put("snapshot", withSnapshot(0, 0).entry(3, 512 | 1));
        images.put("snapshot and lost counts", withSnapshot(1500, 1500).count(6, 0));
        return images;
    }
}
