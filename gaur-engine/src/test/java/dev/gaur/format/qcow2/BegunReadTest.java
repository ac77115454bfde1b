package dev.gaur.format.qcow2;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BegunDisk;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reads under way, and who changes the image meanwhile (Q3). */
@Timeout(60)
class BegunReadTest {
    private static final int SIZE = 1 << 20;
    private static final int PART = 4096;

    private final byte[] data = TestBytes.patchy(new Random(1), PART);

    /** A file that begins reads. */
    private static final class BegunFile extends StorageWrapper {
        private final BegunDisk disk;

        BegunFile(MemoryStorage below) {
            super(below);
            disk = new BegunDisk(below, () -> false, _ -> false);
        }

        @Override
        public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
            return disk.beginRead(offset, target);
        }
    }

    private Image image() {
        Kinds.Kind kind = Kinds.of(SIZE).getFirst();
        FormatOptions options = new FormatOptions("", FormatOptions.AUTO);
        Image image = Qcow2Format.INSTANCE.open(new BegunFile(kind.create()), options, kind);
        image.write(0, MemorySegment.ofArray(data), Durability.CACHED);
        assertNull(image.beginRead(0, MemorySegment.ofArray(new byte[PART])), "waits in memory");
        image.flush();
        return image;
    }

    private static Thread start(Runnable work) {
        Thread thread = Thread.ofPlatform().daemon().start(work);
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return thread;
    }

    @Test
    void whoChangesTheWholeImageWaitsAndOthersAreRefusedMeanwhile() throws Exception {
        try (Image image = image();
                Arena arena = Arena.ofShared()) {
            MemorySegment target = arena.allocate(PART, PART);
            MemorySegment other = arena.allocate(PART, PART);
            PendingRequest read = Objects.requireNonNull(image.beginRead(0, target));
            AtomicBoolean done = new AtomicBoolean();
            Thread resize =
                    start(
                            () -> {
                                image.resizing().orElseThrow().resize(2L * SIZE, Preallocation.OFF);
                                done.set(true);
                            });
            assertFalse(done.get());
            assertNull(image.beginRead(0, other), "would wait for who waits for us");
            assertFalse(image.tryRead(0, other), "would wait for who waits for us");
            read.finish();
            resize.join();
            assertTrue(done.get());
            assertArrayEquals(data, target.toArray(JAVA_BYTE));
            image.read(0, other); // Tables are read anew.
            Objects.requireNonNull(image.beginRead(0, other)).finish();
        }
    }

    /** What the read reads from is not given to anybody before. */
    @Test
    void aClusterIsFreedOnlyAfterItsReads() throws Exception {
        try (Image image = image();
                Arena arena = Arena.ofShared()) {
            MemorySegment target = arena.allocate(PART, PART);
            PendingRequest read = Objects.requireNonNull(image.beginRead(0, target));
            image.discard(0, SIZE);
            Thread flush = start(image::flush);
            assertTrue(flush.isAlive());
            read.finish();
            flush.join();
            assertArrayEquals(data, target.toArray(JAVA_BYTE));
        }
    }
}
