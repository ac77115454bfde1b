package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Image;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a checkpoint of the journal cannot do is no failure of the request that set it off. */
class CheckpointFaultsTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int CLUSTER = 512;
    private static final int SIZE = 1 << 20;
    private static final int JOURNAL = 8192;
    private static final Kind KIND =
            new Kind(
                    "journal",
                    Qcow2CreateOptions.ofSize(SIZE)
                            .withClusterSize(CLUSTER)
                            .withRefcountBits(64) // There are new blocks now and then.
                            .withJournal(true),
                    0);

    /** Storage some of whose calls fail: in checkpoints, and not those that change the header. */
    private static final class Failing extends StorageWrapper {
        private final Fault fault;
        private final int first;
        private final int last;
        private int calls;
        private int failures;

        Failing(StorageNode real, Fault fault, int first, int last) {
            super(real);
            this.fault = fault;
            this.first = first;
            this.last = last;
        }

        private boolean fails() {
            boolean inside =
                    StackWalker.getInstance()
                            .walk(
                                    frames ->
                                            frames.anyMatch(
                                                    it -> it.getMethodName().equals("checkpoint")));
            boolean fails = inside && ++calls >= first && calls <= last;
            failures += fails ? 1 : 0;
            return fails;
        }

        private BlockException failure() {
            return new BlockException.Media(name(), "", 0, fault.text(), fault.errno(), null);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (offset < Geometry.SECTOR || !fails()) {
                super.write(offset, source, durability);
                return;
            }
            if (fault.isPartial()) { // All of it, though nobody is told.
                super.write(offset, source, durability);
            }
            throw failure();
        }

        @Override
        public void flush() {
            if (fault == Fault.EIO && fails()) {
                throw failure();
            }
            super.flush();
        }
    }

    private byte[] model = new byte[0];

    /** Changes enough for a checkpoint now and then. */
    private void work(Image image, Random random) {
        for (int i = 0; i < 6; i++) {
            Kinds.write(image, model, random);
        }
        int at = random.nextInt(SIZE / CLUSTER / 2) * CLUSTER;
        image.discard(at, 8 * CLUSTER);
        Arrays.fill(model, at, at + 8 * CLUSTER, (byte) 0);
        image.flush();
    }

    private void assertRecovers(StorageNode storage, String what) {
        MemoryStorage left = Kinds.copy(storage);
        Header header = HeaderCodec.read(left);
        if (!JournalReplay.run(left, header)) {
            assertTrue(header.has(Header.DIRTY), what);
            assertTrue((header.autoclear() & Header.JOURNAL_VALID) == 0, what);
            Repair.onOpen(left, header);
        }
        assertEquals(List.of(), Kinds.findings(left), what);
        try (Image image = KIND.open(new KeepOpen(left, false))) {
            assertArrayEquals(model, TestBytes.read(image, 0, SIZE), what);
        }
    }

    /** Runs one with faults in checkpoints; returns how many there were. */
    private int run(Fault fault, int first, int last) {
        Random random = new Random(SEED);
        model = new byte[SIZE];
        String what = "%s, calls %d to %d, seed %d".formatted(fault, first, last, SEED);
        MemoryStorage storage = JournalTest.withJournalOf(KIND, JOURNAL);
        Failing failing = new Failing(storage, fault, first, last);
        try (Image image = KIND.open(failing)) {
            for (int i = 0; i < 9; i++) {
                work(image, random);
                assertRecovers(storage, what + ", round " + i);
            }
            assertArrayEquals(model, TestBytes.read(image, 0, SIZE), what);
        }
        assertEquals(List.of(), Kinds.findings(storage), what);
        return failing.failures;
    }

    @ParameterizedTest
    @EnumSource(names = {"ENOSPC", "SHORT"})
    void aFullDiskPutsItOff(Fault fault) {
        int failed = run(fault, 1, Integer.MAX_VALUE);
        assertTrue(failed > 4, failed + " calls");
        int n = 1;
        while (run(fault, n, n) > 0) {
            run(fault, n, n + 7);
            n += 5;
        }
        assertTrue(n > 20, n + " calls");
    }

    /** Fails only if something has failed before, in a request that was done all the same. */
    private static void mayFail(Failing failing, Runnable request) {
        int before = failing.failures;
        try {
            request.run();
        } catch (BlockException.Media _) {
            assertTrue(before > 0, "call " + failing.first + " failed what set it off");
        }
    }

    @Test
    void anyOtherFailureIsHeardAtTheNextFlush() {
        MemorySegment piece = MemorySegment.ofArray(new byte[3 * CLUSTER]);
        int runs = 0;
        boolean failed = true;
        for (int n = 1; failed; n += 7) {
            Random random = new Random(SEED);
            MemoryStorage storage = JournalTest.withJournalOf(KIND, JOURNAL);
            Failing failing = new Failing(storage, Fault.EIO, n, n);
            Image image = KIND.open(failing);
            for (int i = 0; i < 60 && failing.failures == 0; i++) {
                long at = random.nextInt(SIZE - 3 * CLUSTER);
                mayFail(failing, () -> image.write(at, piece, Durability.CACHED));
                mayFail(failing, image::flush);
            }
            failed = failing.failures > 0;
            if (failed) {
                assertThrows(BlockException.Media.class, image::flush, "call " + n);
                assertThrows(BlockException.Media.class, image::close, "call " + n);
                runs++;
            } else {
                image.close();
            }
        }
        assertTrue(runs > 2, runs + " failures");
    }
}
