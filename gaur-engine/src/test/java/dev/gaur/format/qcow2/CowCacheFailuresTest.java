package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.AUTO;
import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.testkit.FullDisk;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be written stays readable, is told with every flush, and harms nobody else. */
class CowCacheFailuresTest {
    private static final int EIO = 5;
    private static final int ENOSPC = 28;

    private static int errno(Runnable request) {
        return assertThrows(BlockException.Media.class, request::run).errno();
    }

    @Test
    void aFullDiskFailsEveryFlushUntilThereIsSpace() {
        CowDisk disk = new CowDisk(AUTO);
        FullDisk full = new FullDisk(disk.file);
        disk.reopen(full, AUTO);
        disk.write(CLUSTER + 100, PIECE);
        disk.write(2 * CLUSTER, PIECE);
        for (int i = 0; i < 3; i++) {
            assertEquals(ENOSPC, errno(disk.image::flush));
            disk.assertReads();
        }
        assertEquals(ENOSPC, errno(() -> disk.write(5 * CLUSTER, PIECE, Durability.STABLE)));
        assertEquals(ENOSPC, errno(() -> snapshots(disk)));
        disk.assertReads();
        full.grow(8L << 20);
        disk.image.flush();
        disk.assertReads();
        disk.close();
    }

    private static void snapshots(CowDisk disk) {
        disk.takeSnapshot("one");
    }

    @Test
    void aFlushOfAFullDiskDoesNotTryEachOfManyInVain() {
        CowDisk disk = new CowDisk(Qcow2CreateOptions.ofSize(SIZE).withClusterSize(512), AUTO);
        FullDisk full = new FullDisk(disk.file);
        full.grow(8L * CLUSTER); // The first write does not wait.
        disk.reopen(full, AUTO);
        for (int at = 0; at < SIZE / 2; at += CLUSTER) {
            disk.write(at, CLUSTER / 2);
            disk.write(at + CLUSTER / 2, CLUSTER / 2);
        }
        long before = full.refusals();
        assertEquals(ENOSPC, errno(disk.image::flush));
        assertTrue(full.refusals() - before < 100, () -> "refused: " + full.refusals());
        disk.assertReads();
        full.grow(16L << 20);
        disk.image.flush();
        disk.assertReads();
        disk.close();
    }

    @Test
    void closingOnAFullDiskSaysWhatIsLost() {
        CowDisk disk = new CowDisk(AUTO);
        disk.reopen(new FullDisk(disk.file), AUTO);
        byte[] before = disk.model.clone();
        disk.write(CLUSTER + 100, PIECE);
        assertEquals(ENOSPC, errno(disk.image::close));
        System.arraycopy(before, 0, disk.model, 0, SIZE);
        disk.assertLeft();
    }

    @Test
    void whoFindsNoRoomOnAFullDiskFails() {
        CowDisk disk = new CowDisk(2L * CLUSTER);
        FullDisk full = new FullDisk(disk.file);
        disk.reopen(full, 2L * CLUSTER);
        disk.write(0, PIECE);
        disk.write(CLUSTER, PIECE);
        byte[] before = disk.model.clone();
        assertEquals(ENOSPC, errno(() -> disk.write(3 * CLUSTER, PIECE)));
        assertArrayEquals(before, TestBytes.readArray(disk.image, 0, SIZE));
        assertEquals(ENOSPC, errno(disk.image::flush));
        full.grow(8L << 20);
        disk.write(3 * CLUSTER, PIECE);
        disk.assertReads();
        disk.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBadSectorBelowStopsFlushesButNobodyElse(boolean small) {
        CowDisk disk = new CowDisk(small ? 2L * CLUSTER : AUTO);
        disk.write(PIECE, PIECE);
        disk.image.flush();
        disk.bad = true;
        disk.write(CLUSTER + PIECE, PIECE);
        for (int i = 2; i < 10; i++) {
            disk.write(i * CLUSTER + PIECE, PIECE);
        }
        for (int i = 0; i < 3; i++) {
            assertEquals(EIO, errno(disk.image::flush));
        }
        assertTrue(disk.held() > 0);
        int from = CLUSTER + PIECE;
        assertArrayEquals(
                Arrays.copyOfRange(disk.model, from, from + PIECE),
                TestBytes.readArray(disk.image, from, PIECE));
        disk.write(CLUSTER, CLUSTER); // Nothing has to be read for it any more.
        disk.image.flush();
        disk.bad = false;
        disk.assertReads();
        disk.close();
    }

    @Test
    void everyFaultOfAWriteOutIsHeardAndHarmsNothing() {
        for (Fault fault : Fault.values()) {
            boolean failed = true;
            for (int n = 1; failed; n++) {
                CowDisk disk = new CowDisk(AUTO);
                disk.write(9 * CLUSTER, CLUSTER);
                disk.image.flush();
                FaultPlan plan = FaultPlan.once(EnumSet.of(Call.WRITE), fault, n);
                disk.reopen(new FailingStorage(disk.file, plan), AUTO);
                disk.write(100, 200);
                disk.write(CLUSTER, PIECE);
                disk.write(3 * CLUSTER - 200, 400);
                boolean heard = false;
                try {
                    disk.image.flush();
                } catch (BlockException _) {
                    heard = true;
                }
                disk.assertReads();
                boolean stable = !heard || flushes(disk.image);
                boolean closed = closes(disk.image);
                failed = plan.hasFailed();
                assertEquals(failed, heard || !closed, plan::toString);
                if (stable && closed) { // Else what is left is for a repair.
                    disk.assertLeft();
                }
            }
        }
    }

    private static boolean flushes(Image image) {
        try {
            image.flush();
            return true;
        } catch (BlockException _) {
            return false;
        }
    }

    private static boolean closes(Image image) {
        try {
            image.close();
            return true;
        } catch (BlockException _) {
            return false;
        }
    }

    @Test
    void aFailedZeroLosesNothing() {
        CowDisk disk = new CowDisk(AUTO);
        FaultPlan plan = FaultPlan.from(EnumSet.of(Call.WRITE, Call.ZERO), Fault.EIO, 1);
        disk.reopen(new FailingStorage(disk.file, plan), AUTO);
        disk.write(CLUSTER, PIECE);
        assertThrows(
                BlockException.class,
                () -> disk.image.zero(CLUSTER, CLUSTER, ZeroMode.UNMAP, Durability.CACHED));
        disk.assertReads();
        assertThrows(BlockException.class, disk.image::close);
    }

    /** A hint that a disk does not take is no reason to give back what the tables lead to. */
    @Test
    void aHintThatFailsLosesNothing() {
        CowDisk disk = new CowDisk(AUTO);
        boolean[] fails = {true};
        disk.reopen(
                new StorageWrapper(disk.file) {
                    @Override
                    public void startWriting(long offset, long count) {
                        if (fails[0]) {
                            throw new BlockException.Media(name(), "", offset, "no", EIO, null);
                        }
                    }
                },
                AUTO);
        disk.write(0, PIECE);
        disk.image.flush(); // Flushes are near.
        for (int i = 1; i < 60; i++) {
            disk.write(i * CLUSTER, PIECE);
        }
        try {
            disk.image.flush();
        } catch (BlockException _) {
            // The clusters are placed all the same.
        }
        fails[0] = false;
        disk.image.flush();
        disk.assertReads();
        disk.close();
    }

    /** A disk in the middle of whose work there is no memory, once. */
    private static final class NoMemory extends StorageWrapper {
        private int left;

        NoMemory(StorageNode real, int calls) {
            super(real);
            left = calls;
        }

        private void call() {
            if (--left == 0) {
                throw new OutOfMemoryError("made up");
            }
        }

        @Override
        public void event(BlockEvent event) {
            call();
            super.event(event);
        }

        @Override
        public void read(long offset, MemorySegment target) {
            call();
            super.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            call();
            super.write(offset, source, durability);
        }

        @Override
        public void flush() {
            call();
            super.flush();
        }
    }

    /** Nobody waits for ever, and no flush says that what is lost is stable. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void withoutMemoryNothingIsLostInSilence(boolean journal) {
        boolean failed = true;
        for (int n = 1; failed; n++) {
            Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withJournal(journal);
            CowDisk disk = new CowDisk(options, 3L * CLUSTER);
            disk.write(9 * CLUSTER, CLUSTER);
            disk.image.flush();
            NoMemory scarce = new NoMemory(disk.file, Integer.MAX_VALUE);
            disk.reopen(scarce, 3L * CLUSTER);
            disk.write(12 * CLUSTER, PIECE);
            scarce.left = n;
            for (int i = 0; i < 8; i++) {
                int at = i * CLUSTER + 100;
                boolean written = succeeds(() -> disk.write(at, PIECE));
                if (!written) {
                    succeeds(() -> disk.write(at, PIECE)); // Unless it has failed for good.
                }
            }
            succeeds(disk.image::flush);
            boolean stable = succeeds(disk.image::flush);
            int left = scarce.left;
            scarce.left = Integer.MAX_VALUE; // The test itself has some.
            if (stable) {
                disk.assertReads();
            }
            scarce.left = left;
            boolean closed = succeeds(disk.image::close);
            if (stable) {
                assertTrue(closed || scarce.left <= 0, "call " + n);
                disk.assertReadsLeft();
            }
            failed = scarce.left <= 0;
        }
    }

    private static boolean succeeds(Runnable request) {
        try {
            request.run();
            return true;
        } catch (BlockException | OutOfMemoryError _) {
            return false;
        }
    }
}
