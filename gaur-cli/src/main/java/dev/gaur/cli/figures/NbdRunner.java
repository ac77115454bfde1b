package dev.gaur.cli.figures;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures requests that fio makes to a server. Before that the same requests go to other images of
 * the same kind: to ours by the same server, whose JVM compiles meanwhile what is hot; to those of
 * qemu-nbd by one process each, so that the rest of the machine has had the same to do.
 */
final class NbdRunner {
    /** Bytes that are rewritten or read at least, if that does not take too many requests. */
    private static final long BYTES_AGAIN = 1L << 30;

    private static final int REQUESTS_AGAIN = 20_000;

    /** Requests to new places before those that are measured, if that takes no more images. */
    private static final int REQUESTS_WARM = 16_000;

    private static final int IMAGES_WARM_LEAST = 2;
    private static final int IMAGES_WARM_MOST = 6;

    /** No other image is warmed up with after so long. */
    private static final long WARM_NANOS = 3_000_000_000L;

    private final Workplace place;
    private final Images images;
    private final Settings settings;
    private final Fio fio;

    NbdRunner(Workplace place, Images images, Settings settings) {
        this.place = place;
        this.images = images;
        this.settings = settings;
        this.fio = new Fio(place);
    }

    /** Measures once, by a server that is started for it. */
    Sample measure(Measured what) {
        Variant variant = what.variant();
        int most = what.pattern().step() == 0 ? settings.spreadPlaces() : settings.mostPlaces();
        long[] offsets = what.pattern().offsets(images.length(variant), most);
        List<Path> files = new ArrayList<>();
        try {
            int count = 1 + imagesToWarm(offsets.length);
            for (int i = 0; i < count; i++) {
                files.add(images.take(variant, "nbd-" + i + "." + variant.format(), what.cache()));
            }
            return what.way() == Way.QEMU
                    ? measureQemu(what, files, offsets)
                    : measureGaur(what, files, offsets);
        } finally {
            files.forEach(file -> images.release(variant, file));
        }
    }

    private int imagesToWarm(int requests) {
        if (settings.quick()) {
            return 1;
        }
        int wanted = (REQUESTS_WARM + requests - 1) / requests;
        return Math.clamp(wanted, IMAGES_WARM_LEAST, IMAGES_WARM_MOST);
    }

    private Sample measureGaur(Measured what, List<Path> files, long[] offsets) {
        // An image that serves all is exported once.
        List<Path> exports = files.stream().distinct().toList();
        try (NbdServing server = NbdServing.ofGaur(place, what, exports)) {
            Path first = files.get(1);
            long start = System.nanoTime();
            double young = pass(server, what, first, offsets, 1);
            flush(server, what, first);
            for (Path file : files.subList(2, files.size())) {
                if (System.nanoTime() - start < WARM_NANOS) {
                    pass(server, what, file, offsets, 2);
                    flush(server, what, file);
                }
            }
            return measure(server, what, files.getFirst(), offsets).withYoung(young);
        }
    }

    private Sample measureQemu(Measured what, List<Path> files, long[] offsets) {
        long start = System.nanoTime();
        int passes = 1;
        for (Path file : files.subList(1, files.size())) {
            if (passes == 1 || System.nanoTime() - start < WARM_NANOS) {
                try (NbdServing server = NbdServing.ofQemu(place, what, file)) {
                    pass(server, what, file, offsets, passes);
                    flush(server, what, file);
                }
            }
            passes = 2;
        }
        try (NbdServing server = NbdServing.ofQemu(place, what, files.getFirst())) {
            return measure(server, what, files.getFirst(), offsets);
        }
    }

    private double pass(NbdServing server, Measured what, Path file, long[] offsets, int passes) {
        long length = images.length(what.variant());
        return fio.run(server.uri(file), length, what.pattern(), offsets, passes);
    }

    /** Returns how many seconds it took. What is dirty would be written while others measure. */
    private static double flush(NbdServing server, Measured what, Path file) {
        return what.pattern().write() ? server.flush(file) : 0;
    }

    private Sample measure(NbdServing server, Measured what, Path file, long[] offsets) {
        if (what.hasFirst()) {
            FreeMemory.touch(what.pattern(), offsets.length);
        }
        double first = pass(server, what, file, offsets, 1);
        double flushSeconds = flush(server, what, file);
        double again = pass(server, what, file, offsets, passes(what, offsets.length));
        return what.hasFirst()
                ? new Sample(first, flushSeconds, again, offsets.length)
                : new Sample(0, 0, again, offsets.length);
    }

    private int passes(Measured what, int requests) {
        if (settings.quick() || what.cache().direct()) {
            return 1;
        }
        long wanted = Math.min(REQUESTS_AGAIN, BYTES_AGAIN / what.pattern().bytes());
        return (int) (1 + wanted / requests);
    }
}
