package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Whatever a failed flush has lost, no later one says that it is safe, nor does closing (Q8). */
class FailedFlushTest {
    private static final int SIZE = 1 << 20;

    @Test
    void afterAFlushFailedInASnapshotNoLaterOneSucceeds() {
        SnapshotInfo wish =
                new SnapshotInfo("", "snap", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        int failures = 0;
        boolean failed = true;
        for (long n = 1; failed; n++) {
            MemoryStorage storage = new MemoryStorage("image", 0);
            ImageCreator.create(storage, Optional.empty(), Qcow2CreateOptions.ofSize(SIZE));
            FaultPlan plan = FaultPlan.once(EnumSet.of(Call.FLUSH), Fault.EIO, n);
            Image image =
                    Qcow2Format.INSTANCE.open(
                            new FailingStorage(storage, plan),
                            FormatOptions.DEFAULT,
                            new Kinds.Kind("plain", Qcow2CreateOptions.ofSize(SIZE), 0));
            image.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.CACHED);
            try {
                image.snapshots().orElseThrow().create(wish);
                failed = plan.hasFailed();
                image.close();
            } catch (BlockException.Media _) {
                failures++;
                assertThrows(BlockException.Media.class, image::flush, "flush " + n);
                assertThrows(BlockException.Media.class, image::close, "flush " + n);
            }
        }
        assertTrue(failures > 1, failures + " failures");
    }

    @Test
    void afterAFailedFlushTheBackingFileStays() {
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), Qcow2CreateOptions.ofSize(SIZE));
        FaultPlan plan = FaultPlan.once(EnumSet.of(Call.FLUSH), Fault.EIO, 1);
        Image image =
                Qcow2Format.INSTANCE.open(
                        new FailingStorage(storage, plan),
                        FormatOptions.DEFAULT,
                        new Kinds.Kind("plain", Qcow2CreateOptions.ofSize(SIZE), 0));
        image.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.CACHED);
        assertThrows(BlockException.Media.class, image::flush);
        var rebasing = image.rebasing().orElseThrow();
        assertThrows(BlockException.Media.class, () -> rebasing.setBacking("base", "raw"));
        assertThrows(BlockException.Media.class, image::close);
        assertEquals("", HeaderCodec.read(storage).backingName());
    }

    /** Who wrote and closed has heard of nothing yet; who was told before hears it once more. */
    @Test
    void closingAfterAFailureSaysSo() {
        for (boolean journal : new boolean[] {false, true}) {
            Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withJournal(journal);
            int silent = 0;
            boolean failed = true;
            for (long n = 1; failed; n++) {
                MemoryStorage storage = new MemoryStorage("image", 0);
                ImageCreator.create(storage, Optional.empty(), options);
                FaultPlan plan = FaultPlan.once(EnumSet.of(Call.FLUSH), Fault.EIO, n);
                Image image =
                        Qcow2Format.INSTANCE.open(
                                new FailingStorage(storage, plan),
                                FormatOptions.DEFAULT,
                                new Kinds.Kind("plain", options, 0));
                for (int at = 0; at < SIZE; at += 64 << 10) {
                    try {
                        MemorySegment bytes = MemorySegment.ofArray(new byte[] {1});
                        image.write(at, bytes, Durability.CACHED);
                        image.flush();
                    } catch (BlockException.Media _) {
                        break; // One that does not listen: it closes.
                    }
                }
                try {
                    image.close();
                    silent++;
                } catch (BlockException.Media lost) {
                    assertEquals(plan.fault().errno(), lost.errno());
                }
                image.close(); // As good as done.
                failed = plan.hasFailed();
            }
            assertEquals(1, silent, "but for the one without a fault");
        }
    }
}
