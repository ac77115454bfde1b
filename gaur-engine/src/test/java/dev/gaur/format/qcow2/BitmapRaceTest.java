package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.CheckListener;
import dev.gaur.format.Image;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.PausingStorage;
import dev.gaur.testkit.WatchedStorage;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Bitmaps are changed while others use the image. */
class BitmapRaceTest {
    /** A check sees the file as nobody changes it, so the first change of all waits, too. */
    @Test
    void aChangeWaitsForTheCheck() throws InterruptedException {
        PausingStorage pausing = new PausingStorage(Qcow2BitmapsTest.withBitmap("b"), Call.READ);
        AtomicInteger writes = new AtomicInteger();
        StorageNode file =
                new WatchedStorage(
                        pausing,
                        new WatchedStorage.Watcher() {
                            @Override
                            public void changing(long offset, long length) {
                                writes.incrementAndGet();
                            }
                        });
        try (Image image = BitmapDisk.open(file, true)) {
            pausing.arm();
            Thread check =
                    Thread.ofPlatform()
                            .start(() -> image.checker().orElseThrow().check(CheckListener.NONE));
            assertTrue(pausing.awaitPause(check));
            Thread change =
                    Thread.ofPlatform()
                            .start(() -> BitmapDisk.bitmaps(image).add("new", 4096, true));
            while (change.isAlive() && change.getState() == Thread.State.RUNNABLE) {
                Thread.onSpinWait();
            }
            assertEquals(0, writes.get());
            pausing.goOnAfter(change);
            check.join();
            change.join();
        }
        assertEquals(
                List.of("b", "new"), BitmapDisk.list(file).stream().map(BitmapInfo::name).toList());
    }
}
