package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import org.junit.jupiter.api.Test;

/**
 * The work of a check is bounded by the sizes of the file and of its L1 tables, however often these
 * name one table. Counted in bytes that are read; that the counters are QEMU's is shown by the
 * oracle tests.
 */
class CheckWorkTest {
    private static final int CLUSTER = TinyImage.CLUSTER;
    private static final int L2_ENTRIES = CLUSTER / Long.BYTES;

    /** All walks together: counting, COPIED flags, who uses a cluster. */
    private static final long ALLOWANCES = 4 * TableVisits.ALLOWANCE;

    private record Work(CheckReport report, long bytesRead) {}

    private static Work check(byte[] image) {
        try (var storage = new CountingStorage(new MemoryStorage("image", image))) {
            Header header = HeaderCodec.readForCheck(storage);
            CheckReport report = new ConsistencyCheck(storage, header).check(CheckListener.NONE);
            return new Work(report, storage.bytesRead());
        }
    }

    /** A tiny image whose L1 table lies at its end and names these tables in turns. */
    private static byte[] naming(int l1Entries, long... tables) {
        TinyImage image = new TinyImage();
        int l1 = 8 * CLUSTER;
        image.resize(l1 + l1Entries * Long.BYTES);
        image.put(24, (long) l1Entries * L2_ENTRIES * CLUSTER);
        image.put32(36, l1Entries).put(40, l1);
        for (int i = 0; i < l1Entries; i++) {
            image.put(l1 + i * Long.BYTES, tables[i % tables.length]);
        }
        return image.toBytes();
    }

    @Test
    void oneTableThatIsNamedHalfAMillionTimesIsReadAFewThousandTimes() {
        int times = 1 << 19;
        Work work = check(naming(times, TinyImage.L2));
        long naive = (long) times * CLUSTER;
        assertTrue(work.bytesRead() < ALLOWANCES, "read " + work.bytesRead() + " bytes");
        assertTrue(work.bytesRead() < naive / 4, "read " + work.bytesRead() + " bytes");
        assertEquals(2L * times, work.report().allocatedClusters());
        // The table and its two clusters can be counted 65535 times, and no flag says COPIED.
        long overflow = 3L * (times - 65535);
        assertTrue(work.report().corruptions() > overflow, work.report()::toString);
    }

    @Test
    void tablesBehindTheEndOfTheFileAreNotRead() {
        int times = 1 << 18;
        Work work = check(naming(times, 1L << 40, 1L << 50));
        assertTrue(work.bytesRead() < 16 << 20, "read " + work.bytesRead() + " bytes");
        int uncounted = times * Long.BYTES / CLUSTER; // The L1 table.
        assertEquals(times + uncounted, work.report().corruptions());
    }

    @Test
    void unalignedTablesAreReadUntilThereAreTooMany() {
        Work work = check(naming(1 << 18, TinyImage.L2 + 512, TinyImage.L2 + 1024));
        assertTrue(work.bytesRead() < ALLOWANCES, "read " + work.bytesRead() + " bytes");
        assertTrue(work.report().checkErrors() > 0, work.report()::toString);
    }
}
