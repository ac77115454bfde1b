package dev.gaur.cli.figures;

import dev.gaur.block.Durability;
import dev.gaur.graph.BlockDevice;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Measures requests within this process, one after the other. */
final class ApiRunner {
    private static final double NANOS = 1e9;
    private static final int WARM_PLACES = 4096;

    private final Images images;
    private final Settings settings;

    ApiRunner(Images images, Settings settings) {
        this.images = images;
        this.settings = settings;
    }

    /** Does a little of it, so that the JVM compiles what is hot. */
    void warmUp(Measured what) {
        measure(what, WARM_PLACES, 0);
    }

    /** Measures once. */
    Sample measure(Measured what) {
        int most =
                what.pattern().step() == 0
                        ? settings.spreadPlaces()
                        : settings.mostPlacesOneByOne(what.cache());
        return measure(what, most, settings.againNanos());
    }

    private Sample measure(Measured what, int most, long againNanos) {
        Variant variant = what.variant();
        long[] offsets = what.pattern().offsets(images.length(variant), most);
        Path file = images.take(variant, "api." + variant.format(), what.cache());
        try (BlockDevice disk = Images.open(variant, file, what.cache(), what.pattern().write())) {
            return measure(what, disk, offsets, againNanos);
        } finally {
            images.release(variant, file);
        }
    }

    private Sample measure(Measured what, BlockDevice disk, long[] offsets, long againNanos) {
        MemorySegment buffer = Images.data(what.pattern().bytes());
        if (what.hasFirst()) {
            FreeMemory.touch(what.pattern(), offsets.length);
        }
        long start = System.nanoTime();
        pass(disk, what.pattern(), offsets, buffer); // Warms up what has no first pass.
        long written = System.nanoTime();
        if (what.pattern().write()) {
            disk.flush();
        }
        long flushed = System.nanoTime();
        int passes = 0;
        do {
            pass(disk, what.pattern(), offsets, buffer);
            passes++;
        } while (System.nanoTime() - flushed < againNanos);
        long end = System.nanoTime();
        double again = (double) passes * offsets.length / (end - flushed) * NANOS;
        if (!what.hasFirst()) {
            return new Sample(0, 0, again, offsets.length);
        }
        double first = offsets.length * NANOS / (written - start);
        return new Sample(first, (flushed - written) / NANOS, again, offsets.length);
    }

    private static void pass(
            BlockDevice disk, Pattern pattern, long[] offsets, MemorySegment buffer) {
        if (!pattern.write()) {
            for (long offset : offsets) {
                disk.read(offset, buffer);
            }
            return;
        }
        int left = pattern.flushEvery();
        for (long offset : offsets) {
            disk.write(offset, buffer, Durability.CACHED);
            if (--left == 0) {
                disk.flush();
                left = pattern.flushEvery();
            }
        }
    }
}
