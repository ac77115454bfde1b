package dev.gaur.cli.figures;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Measures requests that fio makes to a server. */
final class NbdRunner {
    /** Bytes that are rewritten or read at least, if that does not take too many requests. */
    private static final long BYTES_AGAIN = 1L << 30;

    private static final int REQUESTS_AGAIN = 20_000;
    private static final int REQUESTS_WARM = 60_000;

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

    /** Measures all that one server can serve, once. */
    void measure(List<Measured> batch, BiConsumer<Measured, Sample> result) {
        Measured first = batch.getFirst();
        Variant variant = first.variant();
        List<Path> files = new ArrayList<>();
        boolean write = batch.stream().anyMatch(it -> it.pattern().write());
        try {
            int count = variant.start().isShared() ? 1 : batch.size() + 1;
            for (int i = 0; i < count; i++) {
                files.add(images.take(variant, "nbd-" + i + "." + variant.format()));
            }
            if (first.way() == Way.QEMU) {
                measureQemu(batch, files, result);
                return;
            }
            try (NbdServing server =
                    NbdServing.ofGaur(place, variant, files, first.cache(), write)) {
                warmUp(server, first, files.getLast());
                for (int i = 0; i < batch.size(); i++) {
                    Path file = files.get(Math.min(i, files.size() - 1));
                    result.accept(batch.get(i), measure(server, batch.get(i), file));
                }
            }
        } finally {
            files.forEach(file -> images.release(variant, file));
        }
    }

    /** A program that is compiled already, and serves one image. */
    private void measureQemu(
            List<Measured> batch, List<Path> files, BiConsumer<Measured, Sample> result) {
        for (int i = 0; i < batch.size(); i++) {
            Measured what = batch.get(i);
            Path file = files.get(Math.min(i, files.size() - 1));
            try (NbdServing server =
                    NbdServing.ofQemu(
                            place, what.variant(), file, what.cache(), what.pattern().write())) {
                result.accept(what, measure(server, what, file));
            }
        }
    }

    /** The JVM compiles what is hot: on an image of the same kind that is not measured. */
    private void warmUp(NbdServing server, Measured what, Path file) {
        Variant variant = what.variant();
        long length = images.length(variant);
        boolean write = what.pattern().write();
        Pattern pattern = write ? Pattern.RANDOM : what.pattern();
        long[] offsets = pattern.offsets(length, settings.mostPlaces(what.cache()));
        fio.run(server.uri(file), length, pattern, offsets, 1);
        if (write && !settings.quick()) {
            Pattern again = Pattern.SEQUENTIAL.flushing();
            long[] all = again.offsets(length, settings.mostPlaces(what.cache()));
            int most = what.cache().direct() ? REQUESTS_AGAIN : REQUESTS_WARM;
            fio.run(server.uri(file), length, again, all, 1 + most / all.length);
        }
    }

    private Sample measure(NbdServing server, Measured what, Path file) {
        Pattern pattern = what.pattern();
        long length = images.length(what.variant());
        int most = pattern.step() == 0 ? settings.spreadPlaces() : mostPlaces(what);
        long[] offsets = pattern.offsets(length, most);
        double first = fio.run(server.uri(file), length, pattern, offsets, 1);
        double flushSeconds = pattern.write() ? server.flush(file) : 0;
        int passes = passes(what, offsets.length);
        double again = fio.run(server.uri(file), length, pattern, offsets, passes);
        return what.hasFirst()
                ? new Sample(first, flushSeconds, again, offsets.length)
                : new Sample(0, 0, again, offsets.length);
    }

    private int mostPlaces(Measured what) {
        return settings.mostPlaces(what.cache());
    }

    private int passes(Measured what, int requests) {
        if (settings.quick() || what.cache().direct()) {
            return 1;
        }
        long wanted = Math.min(REQUESTS_AGAIN, BYTES_AGAIN / what.pattern().bytes());
        return (int) (1 + wanted / requests);
    }
}
