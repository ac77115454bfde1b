package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class EntryRunsTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final Geometry GEOMETRY = new Geometry(16, false, 4);
    private static final int CLUSTER = GEOMETRY.clusterSize();
    private static final int ENTRIES = GEOMETRY.sliceEntries();

    /** Runs of any length of zeros, equal entries, growing entries, and rubbish. */
    private static long[] entries(Random random, int pieces) {
        long[] entries = new long[ENTRIES];
        for (int piece = 0; piece < pieces; piece++) {
            int from = random.nextInt(ENTRIES);
            int to = Math.min(ENTRIES, from + 1 + random.nextInt(60));
            long first =
                    random.nextInt(4) == 0
                            ? random.nextLong()
                            : (long) random.nextInt(20) * CLUSTER | L2Entry.COPIED;
            long step = random.nextBoolean() ? CLUSTER : 0;
            for (int i = from; i < to; i++) {
                entries[i] = first + (i - from) * step;
            }
        }
        return entries;
    }

    @Test
    void everyEntryIsWhatItWas() {
        Random random = new Random(SEED);
        int packed = 0;
        for (int round = 0; round < 2000; round++) {
            String where = "seed " + SEED + ", round " + round;
            long[] entries = entries(random, 1 + random.nextInt(20));
            long[] before = entries.clone();
            TableSlice slice = TableSlice.of(entries, GEOMETRY);
            packed += slice.memory() < ENTRIES * Long.BYTES ? 1 : 0;
            for (int i = 0; i < ENTRIES; i++) {
                assertEquals(before[i], slice.entry(i), where);
                checkFollowers(before, slice, i, where);
            }
        }
        assertTrue(packed > 500 && packed < 2000, packed + " packed, seed " + SEED);
    }

    private static void checkFollowers(long[] entries, TableSlice slice, int from, String where) {
        for (boolean growing : new boolean[] {false, true}) {
            int until = slice.followUntil(from, growing, ENTRIES);
            assertTrue(until > from && until <= ENTRIES, where);
            for (int i = from + 1; i < until; i++) {
                long step = growing ? (long) (i - from) * CLUSTER : 0;
                assertEquals(entries[from] + step, entries[i], where);
                assertEquals(0, (entries[from] ^ entries[i]) & ~L2Entry.OFFSET_MASK, where);
            }
        }
    }

    @Test
    void fewClustersInAnEmptySliceTakeFewBytes() {
        long[] entries = new long[ENTRIES];
        for (int i = 3; i < ENTRIES; i += 64) {
            entries[i] = (long) i << 20 | L2Entry.COPIED;
        }
        assertTrue(TableSlice.of(entries, GEOMETRY).memory() < 300);
    }

    @Test
    void aRunIsKnownToItsEnd() {
        long[] entries = new long[ENTRIES];
        for (int i = 10; i < 100; i++) {
            entries[i] = (long) i * CLUSTER;
        }
        TableSlice slice = TableSlice.of(entries, GEOMETRY);
        assertEquals(10, slice.followUntil(0, false, ENTRIES));
        assertEquals(100, slice.followUntil(10, true, ENTRIES));
        assertEquals(100, slice.followUntil(50, true, ENTRIES));
        assertEquals(51, slice.followUntil(50, false, ENTRIES));
        assertEquals(ENTRIES, slice.followUntil(100, false, ENTRIES));
    }

    @Test
    void tooManyRunsAreNotPacked() {
        long[] entries = new long[ENTRIES];
        for (int run = 0; run < 32; run++) {
            entries[run * 16] = 3L + run;
            assertEquals(run < 16, EntryRuns.pack(entries, CLUSTER) != null, "run " + run);
        }
        assertNull(EntryRuns.pack(entries, CLUSTER));
    }

    @Test
    void anOffsetThatRunsOutOfItsBitsEndsTheRun() {
        long last = L2Entry.OFFSET_MASK & -CLUSTER;
        long[] entries = {last - CLUSTER, last, last + CLUSTER, last + 2L * CLUSTER};
        long[] packed = EntryRuns.pack(entries, CLUSTER);
        assertNotNull(packed);
        assertEquals(2, EntryRuns.runs(packed));
    }
}
