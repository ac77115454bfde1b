package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.AUTO;
import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.K;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
}
