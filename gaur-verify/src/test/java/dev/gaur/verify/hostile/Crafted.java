package dev.gaur.verify.hostile;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import java.nio.charset.StandardCharsets;

/** Images put together by hand, where QEMU's programs would not make them. */
final class Crafted {
    static final long COPIED = 1L << 63;
    static final long COMPRESSED = 1L << 62;

    private Crafted() {}

    /**
     * A valid version 3 image without content: header, refcount table, one block of 16-bit counts,
     * and an L1 table of zeros from cluster 3 on.
     */
    static Specimen empty(int clusterBits, long size, int l1Size) {
        int clusterSize = 1 << clusterBits;
        int l1Clusters = (l1Size * 8 + clusterSize - 1) / clusterSize;
        Specimen image = Specimen.of(new byte[(3 + l1Clusters) * clusterSize]);
        image.put(HeaderField.MAGIC, 0x514649fb)
                .put(HeaderField.VERSION, 3)
                .put(HeaderField.CLUSTER_BITS, clusterBits)
                .put(HeaderField.SIZE, size)
                .put(HeaderField.L1_SIZE, l1Size)
                .put(HeaderField.L1_OFFSET, 3L * clusterSize)
                .put(HeaderField.REFCOUNT_TABLE_OFFSET, clusterSize)
                .put(HeaderField.REFCOUNT_TABLE_CLUSTERS, 1)
                .put(HeaderField.REFCOUNT_ORDER, 4)
                .put(HeaderField.HEADER_LENGTH, 112);
        image.putU64(clusterSize, 2L * clusterSize);
        for (int cluster = 0; cluster < 3 + l1Clusters; cluster++) {
            count(image, cluster, 1);
        }
        return image;
    }

    /** Sets the count of a host cluster in an image of {@link #empty}. */
    static void count(Specimen image, long cluster, int count) {
        image.putU16(2L * image.clusterSize() + 2 * cluster, count);
    }

    /** Adds zeroed, counted clusters at the end; returns the host offset of the first. */
    static long append(Specimen image, int clusters) {
        long end = image.length();
        long first = end / image.clusterSize();
        image.resize(end + (long) clusters * image.clusterSize());
        for (int i = 0; i < clusters; i++) {
            count(image, first + i, 1);
        }
        return end;
    }

    /** An image whose first L2 table exists; returns nothing else than the image. */
    static Specimen withL2(int clusterBits, long size, int l1Size) {
        Specimen image = empty(clusterBits, size, l1Size);
        long table = append(image, 1);
        image.putU64(image.l1EntryAt(0), table | COPIED);
        return image;
    }

    /** Names a backing file in a version 3 image whose first cluster has room behind 1024. */
    static Specimen naming(Specimen image, String backing) {
        byte[] name = backing.getBytes(StandardCharsets.UTF_8);
        image.putBytes(1024, name);
        return image.put(HeaderField.BACKING_OFFSET, 1024)
                .put(HeaderField.BACKING_SIZE, name.length);
    }

    /** Writes one header extension and the end mark at a place of the first cluster. */
    static long extension(Specimen image, long at, int type, byte[] data) {
        image.putU32(at, type).putU32(at + 4, data.length).putBytes(at + 8, data);
        long end = at + 8 + (data.length + 7L) / 8 * 8;
        image.putU64(end, 0);
        return end;
    }

    /** Names an external data file and sets the feature bit. */
    static Specimen withDataFile(Specimen image, String name) {
        extension(image, 112, 0x44415441, name.getBytes(StandardCharsets.UTF_8));
        return image.put(HeaderField.INCOMPATIBLE, 4);
    }
}
