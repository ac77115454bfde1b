package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.AUTO;
import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.K;
import static dev.gaur.format.qcow2.CowDisk.OFF;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FullDisk;
import dev.gaur.testkit.PausingStorage;
import dev.gaur.testkit.StorageWrapper;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** With O_DIRECT others write out what fills up, and nobody can tell but by who waits. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CowCacheSideTest {
    private static final int ENOSPC = 28;

    /** So much leaves in one write. */
    private static final int RUN = K * K;

    private final CowDisk disk = new CowDisk(AUTO);
    private final PausingStorage pausing = new PausingStorage(disk.file, Call.WRITE);

    /** Storage that says it is open with O_DIRECT. */
    private static class Direct extends StorageWrapper {
        Direct(StorageNode real) {
            super(real);
        }

        @Override
        public boolean isDirect() {
            return true;
        }
    }

    /** Fills a run, whose write-out then stands still. */
    private void fillPausedRun() {
        disk.reopen(new Direct(pausing), AUTO);
        disk.write(2 * RUN, PIECE); // The engine is made.
        disk.image.flush();
        for (int at = 0; at < RUN; at += PIECE) {
            if (at == RUN - PIECE) {
                pausing.arm();
            }
            disk.write(at, PIECE);
        }
        assertTrue(pausing.awaitPause(Thread.currentThread()), "others write it out");
    }

    @AfterEach
    void allIsThere() {
        pausing.goOnAfter(Thread.ofPlatform().unstarted(() -> {}));
        disk.close();
    }

    @Test
    void whoFillsARunDoesNotWaitForIt() {
        fillPausedRun();
        disk.assertReads(); // What is on its way, too.
        disk.write(RUN + PIECE, PIECE);
        disk.assertReads();
    }

    /** What has to come after what is on its way. */
    private enum Later {
        FLUSH {
            @Override
            void run(CowDisk disk) {
                disk.image.flush();
            }
        },
        SNAPSHOT {
            @Override
            void run(CowDisk disk) {
                disk.takeSnapshot("one");
            }
        },
        OVERWRITE {
            @Override
            void run(CowDisk disk) {
                disk.write(8 * K, PIECE);
            }
        },
        DISCARD {
            @Override
            void run(CowDisk disk) {
                disk.image.discard(CLUSTER, CLUSTER);
                Arrays.fill(disk.model, CLUSTER, 2 * CLUSTER, (byte) 0);
            }
        },
        STABLE {
            @Override
            void run(CowDisk disk) {
                disk.write(8 * K, PIECE, Durability.STABLE);
            }
        },
        CLOSE {
            @Override
            void run(CowDisk disk) {
                disk.image.close();
            }
        };

        abstract void run(CowDisk disk);
    }

    @ParameterizedTest
    @EnumSource(Later.class)
    void whoNeedsItInTheFileWaits(Later later) throws InterruptedException {
        fillPausedRun();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread other =
                Thread.ofPlatform()
                        .uncaughtExceptionHandler((thread, thrown) -> failure.set(thrown))
                        .start(() -> later.run(disk));
        pausing.goOnAfter(other);
        other.join();
        assertEquals(null, failure.get());
        if (later == Later.CLOSE) {
            disk.assertLeft();
        } else {
            disk.assertReads();
            disk.image.flush();
            disk.assertReadsLeft();
        }
    }

    /** One at a time, as the disk below wants it. */
    private static final class OneByOne extends Direct {
        OneByOne(StorageNode real) {
            super(real);
        }

        @Override
        public synchronized void read(long offset, MemorySegment target) {
            super.read(offset, target);
        }

        @Override
        public synchronized void write(long at, MemorySegment source, Durability durability) {
            super.write(at, source, durability);
        }

        @Override
        public synchronized void resize(long newLength) {
            super.resize(newLength);
        }
    }

    @Test
    void whatOthersCouldNotWriteIsToldWithTheNextFlush() {
        FullDisk full = new FullDisk(disk.file);
        disk.reopen(new OneByOne(full), AUTO);
        for (int at = 0; at < SIZE; at += CLUSTER) {
            disk.write(at, CLUSTER / 2);
            disk.write(at + CLUSTER / 2, CLUSTER / 2);
        }
        for (int i = 0; i < 2; i++) {
            var failed = assertThrows(BlockException.Media.class, disk.image::flush);
            assertEquals(ENOSPC, failed.errno());
            disk.assertReads();
        }
        full.grow(16L << 20);
        disk.image.flush();
        disk.assertReads();
        assertFalse(disk.held() > 0);
    }

    // ---- parts of clusters

    private static final int CLUSTERS = SIZE / CLUSTER;

    /** Long enough for any machine; who waits in vain fails. */
    private static final int PATIENCE_SECONDS = 60;

    private void writePartOf(int cluster) {
        disk.write(cluster * CLUSTER + 2 * PIECE, PIECE);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS), "nobody else came");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void othersMakeRoomBeforeThereIsNone() {
        disk.reopen(new Direct(pausing), RUN);
        int slots = RUN / CLUSTER;
        writePartOf(CLUSTERS - 1); // The engine is made.
        disk.image.flush();
        pausing.arm();
        for (int i = 0; i < slots; i++) {
            writePartOf(i);
        }
        assertTrue(pausing.awaitPause(Thread.currentThread()), "somebody else makes room");
        disk.assertReads();
        for (int i = slots; i < 3 * slots; i++) {
            writePartOf(i); // Who writes need not wait for the one that is on its way.
        }
        disk.assertReads();
    }

    /** Each write of a cluster waits until two are under way. */
    private static final class Meeting extends Direct {
        private final CountDownLatch two = new CountDownLatch(2);

        Meeting(StorageNode real) {
            super(real);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (source.byteSize() >= CLUSTER) {
                two.countDown();
                await(two);
            }
            super.write(offset, source, durability);
        }
    }

    @Test
    void aFlushHasSeveralClustersUnderWay() {
        disk.reopen(new Meeting(disk.file), AUTO);
        for (int i = 0; i < CLUSTERS; i++) {
            writePartOf(i);
        }
        disk.image.flush();
        assertEquals(0, disk.held());
        disk.assertReadsLeft();
    }

    /** The first write of a cluster by another thread than the test's fails. */
    private static final class FailsElsewhere extends Direct {
        private final Thread test = Thread.currentThread();
        private final CountDownLatch failed = new CountDownLatch(1);
        private final AtomicBoolean fails = new AtomicBoolean(true);
        private final Throwable how;

        FailsElsewhere(StorageNode real, Throwable how) {
            super(real);
            this.how = how;
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (source.byteSize() >= CLUSTER) {
                if (Thread.currentThread().equals(test)) {
                    await(failed);
                } else if (fails.compareAndSet(true, false)) {
                    failed.countDown();
                    if (how instanceof Error error) {
                        throw error;
                    }
                    throw (RuntimeException) how;
                }
            }
            super.write(offset, source, durability);
        }
    }

    static List<Throwable> failures() {
        return List.of(
                new OutOfMemoryError("made up"),
                new BlockException.Media("image", "write", 0, "made up", ENOSPC, null));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void whatFailsElsewhereFailsTheFlushAndNothingIsLost(Throwable failure) {
        disk.reopen(new FailsElsewhere(disk.file, failure), AUTO);
        for (int i = 0; i < CLUSTERS; i++) {
            writePartOf(i);
        }
        assertSame(failure, assertThrows(Throwable.class, disk.image::flush));
        disk.assertReads();
        assertTrue(disk.held() > 0, "what was not written waits on");
        if (failure instanceof BlockException) {
            assertEquals(RUN, disk.held(), "and the others have gone");
        }
        disk.image.flush();
        assertEquals(0, disk.held());
        disk.assertReadsLeft();
    }

    @ParameterizedTest
    @ValueSource(longs = {AUTO, OFF})
    void whatLiesBeforeAndBehindIsReadAtOnce(long bytes) {
        disk.reopen(new Direct(disk.file), bytes);
        long before = disk.base.reads();
        writePartOf(3);
        disk.image.flush();
        assertEquals(1, disk.base.reads() - before);
    }

    /** Reading more than is needed must not fail what would have been done without. */
    @ParameterizedTest
    @ValueSource(longs = {AUTO, OFF})
    void whatIsOverwrittenNeedNotBeReadable(long bytes) {
        disk.reopen(new Direct(disk.file), bytes);
        disk.badFrom = CLUSTER + 2 * PIECE;
        disk.badEnd = disk.badFrom + PIECE;
        disk.bad = true;
        writePartOf(1);
        disk.image.flush();
        assertEquals(0, disk.held());
        disk.assertReadsLeft();
    }
}
