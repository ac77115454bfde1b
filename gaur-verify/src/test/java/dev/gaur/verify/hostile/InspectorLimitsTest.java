package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gaur.format.InspectionReport;
import dev.gaur.graph.Inspector;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What an inspection may cost at most, whatever the file claims: 64 MiB of allocations (counted
 * with all garbage, so more was never in use), and a number of reads that no field of the image
 * moves.
 */
class InspectorLimitsTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final long ALLOCATED_MAX = 64 << 20;

    /** The tables that an inspection looks at have 4 MiB each, the header 2 MiB. */
    private static final long READ_MAX = 24 << 20;

    private static final int READS_MAX = 4000;

    /** What stays outside of the counted heap: the reader's buffer. */
    private static final long NATIVE = 2 << 20;

    private static InspectionReport inspect(ByteBuffer image) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (var storage = new CountingStorage(new MemoryStorage("image", image.array()))) {
            long before = threads.getCurrentThreadAllocatedBytes();
            InspectionReport report = Inspector.inspect(storage);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before + NATIVE;
            assertTrue(allocated <= ALLOCATED_MAX, "allocated " + allocated + " bytes");
            assertTrue(storage.bytesRead() <= READ_MAX, "read " + storage.bytesRead() + " bytes");
            assertTrue(storage.reads() <= READS_MAX, storage.reads() + " reads");
            assertEquals("qcow2", report.format());
            return report;
        }
    }

    /** A header with tables one behind the other, all of them in the file. */
    private static ByteBuffer image(int clusterBits, int l1Entries, int refcountClusters) {
        int cluster = 1 << clusterBits;
        int l1Clusters = Math.ceilDiv(l1Entries * Long.BYTES, cluster);
        int length = cluster * (1 + refcountClusters + l1Clusters + 4);
        ByteBuffer image = ByteBuffer.allocate(length);
        image.putInt(0, 0x514649fb).putInt(4, 3).putInt(20, clusterBits).putLong(24, 1 << 20);
        image.putInt(36, l1Entries).putLong(40, (long) cluster * (1 + refcountClusters));
        image.putLong(48, cluster).putInt(56, refcountClusters).putInt(96, 4).putInt(100, 112);
        return image;
    }

    private static void fill(ByteBuffer image, long seed) {
        byte[] rubbish = new byte[image.capacity() - (1 << image.getInt(20))];
        new Random(seed).nextBytes(rubbish);
        image.put(1 << image.getInt(20), rubbish);
    }

    private static ByteBuffer largestTables(int clusterBits) {
        ByteBuffer image = image(clusterBits, 4 << 20, (8 << 20) >> clusterBits);
        fill(image, SEED);
        return image;
    }

    @Test
    void largestTablesOfRubbish() {
        for (int clusterBits : new int[] {9, 16, 21}) {
            assertFalse(inspect(largestTables(clusterBits)).isSafe());
        }
    }

    @Test
    void smallProcessIsEnough() throws IOException {
        for (ByteBuffer image : List.of(largestTables(21), fullOfExtensions(), longestNames())) {
            Path file = ImageZoo.workshop("inspect").resolve("image");
            Files.write(file, image.array());
            Path java = Path.of(System.getProperty("java.home"), "bin", "java");
            Peers.Result result =
                    Peers.run(
                            java.toString(),
                            "-Xmx40m",
                            "-XX:MaxDirectMemorySize=16m",
                            "-XX:+UseSerialGC",
                            "-cp",
                            CampaignTest.classPath(),
                            "dev.gaur.cli.Main",
                            "inspect",
                            file);
            assertEquals("", result.err());
            assertTrue(result.out().contains("qcow2"), result::toString);
            Files.delete(file);
        }
    }

    private static ByteBuffer fullOfExtensions() {
        ByteBuffer image = image(21, 1, 1);
        for (int at = 112; at < 2 << 20; at += 8) {
            image.putInt(at, 0x77777777);
        }
        return image;
    }

    @Test
    void headerFullOfExtensions() {
        ByteBuffer image = fullOfExtensions();
        inspect(image);
        for (int at = 112; at < 2 << 20; at += 8) {
            image.putInt(at, 0x6803f857);
        }
        inspect(image.putLong(72, -1));
    }

    @Test
    void headerFullOfFeatureNames() {
        ByteBuffer image = image(21, 1, 1).putLong(72, -1);
        image.putInt(112, 0x6803f857).putInt(116, (2 << 20) - 120);
        Arrays.fill(image.array(), 120, 2 << 20, (byte) 'x');
        for (int at = 120; at < (2 << 20) - 48; at += 48) {
            image.put(at, (byte) 0).put(at + 1, (byte) at);
        }
        inspect(image);
    }

    @Test
    void namesOfOtherFilesAsLongAsTheHeader() {
        ByteBuffer image = image(21, 1, 1).putLong(8, 1 << 20).putInt(16, 1 << 20);
        Arrays.fill(image.array(), 1 << 20, 2 << 20, (byte) '/');
        image.putInt(112, 0x44415441).putInt(116, (1 << 20) - 240);
        Arrays.fill(image.array(), 120, 1 << 20, (byte) 0xc3);
        inspect(image);
    }

    private static ByteBuffer longestNames() {
        int entry = 40 + 16 + 65_535 + 65_535 + 2;
        int count = 1000;
        ByteBuffer head = image(16, 1, 1);
        int table = head.capacity();
        ByteBuffer image = ByteBuffer.allocate(table + count * entry + (1 << 16));
        image.put(0, head.array()).putInt(60, count).putLong(64, table);
        Arrays.fill(image.array(), table, image.capacity(), (byte) 0xc3);
        for (int i = 0; i < count; i++) {
            int at = table + i * entry;
            image.putLong(at, 1).putInt(at + 8, 1).putShort(at + 12, (short) -1);
            image.putShort(at + 14, (short) -1).putInt(at + 36, 16);
        }
        return image;
    }

    @Test
    void thousandSnapshotsWithTheLongestNames() {
        assertFalse(inspect(longestNames()).isSafe());
    }

    @Test
    void mostSnapshots() {
        for (int count : new int[] {1000, 65_536}) {
            ByteBuffer head = image(16, 1, 1);
            int table = head.capacity();
            ByteBuffer image = ByteBuffer.allocate(table + count * 56);
            image.put(0, head.array()).putInt(60, count).putLong(64, table);
            for (int i = 0; i < count; i++) {
                int at = table + i * 56;
                image.putLong(at, 1 + i % 2).putInt(at + 36, 16);
            }
            assertFalse(inspect(image).findings().isEmpty());
        }
    }

    @Test
    void anyHeader() {
        Random random = new Random(SEED);
        ByteBuffer sound = image(16, 8192, 4);
        for (int i = 0; i < 300; i++) {
            ByteBuffer image = ByteBuffer.wrap(sound.array().clone());
            for (int j = random.nextInt(8); j >= 0; j--) {
                image.put(4 + random.nextInt(150), (byte) random.nextInt());
            }
            inspect(image);
        }
    }
}
