package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.format.Image;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.PausingStorage;
import dev.gaur.testkit.WatchedStorage;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A request makes the journal's checkpoint due while somebody closes the image. */
@Timeout(60)
class CheckpointAtCloseTest {
    private static final int SIZE = 48 << 20;
    private static final int CLUSTER = 4096;

    /** Once the closer works on the file, the other one must not. */
    private static final class Turns implements WatchedStorage.Watcher {
        private volatile @Nullable Thread closer;
        private volatile @Nullable Thread other;
        private final AtomicBoolean closing = new AtomicBoolean();
        private final AtomicBoolean both = new AtomicBoolean();

        @Override
        public void changing(long offset, long length) {
            call();
        }

        @Override
        public void flushing() {
            call();
        }

        private void call() {
            Thread here = Thread.currentThread();
            Thread flusher = other;
            if (here == flusher && closing.get()) {
                both.set(true);
            } else if (here == closer && flusher != null && !closing.getAndSet(true)) {
                while (!both.get() && mayStillCome(flusher)) {
                    Thread.onSpinWait();
                }
            }
        }

        /** It ends, or waits for what the closer has; but not for its turn, which comes. */
        private static boolean mayStillCome(Thread flusher) {
            return flusher.isAlive()
                    && (flusher.getState() == Thread.State.RUNNABLE
                            || Arrays.stream(flusher.getStackTrace())
                                    .anyMatch(frame -> frame.getMethodName().equals("pause")));
        }
    }

    @Test
    void whoClosesWorksAlone() throws Exception {
        Kind kind =
                new Kind(
                        "journal",
                        Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER).withJournal(true),
                        0);
        MemoryStorage storage = kind.create();
        Turns turns = new Turns();
        PausingStorage pausing = new PausingStorage(new WatchedStorage(storage, turns), Call.WRITE);
        Image image = kind.open(pausing);
        byte[] data = new byte[SIZE];
        new Random(1).nextBytes(data);
        image.write(0, MemorySegment.ofArray(data), Durability.STABLE);
        image.discard(CLUSTER, SIZE - CLUSTER); // More than makes a checkpoint due.
        pausing.arm();
        MemorySegment part = MemorySegment.ofArray(data).asSlice(0, CLUSTER);
        Thread writer = start(() -> image.write(0, part, Durability.CACHED));
        assertTrue(pausing.awaitPause(writer));
        Thread flusher = start(image::flush);
        awaitAsleep(flusher); // For the writer, who is inside.
        turns.other = flusher;
        Thread closer = Thread.ofPlatform().daemon().unstarted(image::close);
        turns.closer = closer;
        closer.start();
        pausing.goOnAfter(closer); // Closed, but for those who are inside.
        writer.join();
        flusher.join();
        closer.join();
        assertTrue(turns.closing.get());
        assertFalse(turns.both.get(), "two at a time");
        assertEquals(List.of(), Kinds.findings(storage));
    }

    private static Thread start(Runnable work) {
        return Thread.ofPlatform().daemon().start(work);
    }

    private static void awaitAsleep(Thread thread) {
        while (thread.getState() == Thread.State.RUNNABLE) {
            Thread.onSpinWait();
        }
    }
}
