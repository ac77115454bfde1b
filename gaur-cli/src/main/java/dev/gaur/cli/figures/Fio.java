package dev.gaur.cli.figures;

import dev.gaur.json.FlatJson;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Has fio make requests to a server. What it shall do it reads from a file: by its own options it
 * could not go to one place in each cluster, in random order, exactly once. It ends without what is
 * then in flight, so it gets as many requests more, to places where it has been.
 */
final class Fio {
    /** Requests in flight. */
    static final int DEPTH = 16;

    private static final double MILLIS = 1000;

    private final Workplace place;
    private final Path log;

    Fio(Workplace place) {
        this.place = place;
        this.log = place.file("fio.log");
    }

    /**
     * Makes requests.
     *
     * @param uri of the export
     * @param length of its disk
     * @return how many it made in a second
     */
    double run(String uri, long length, Pattern pattern, long[] offsets, int passes) {
        try (BufferedWriter out = Files.newBufferedWriter(log)) {
            out.write("fio version 2 iolog\nd add\nd open\n");
            for (int i = 0; i < passes; i++) {
                writePass(out, pattern, offsets);
            }
            writePass(out, pattern, more(offsets));
            out.write("d close\n");
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        String said = run(uri, length);
        return rate(said, pattern.write() ? "write" : "read", pattern.bytes());
    }

    /** As many requests as may be in flight when one more is made. */
    private static long[] more(long[] offsets) {
        long[] more = new long[DEPTH];
        Arrays.setAll(more, i -> offsets[i % offsets.length]);
        return more;
    }

    private static void writePass(BufferedWriter out, Pattern pattern, long[] offsets)
            throws IOException {
        String before = pattern.write() ? "d write " : "d read ";
        String after = " " + pattern.bytes() + "\n";
        int left = pattern.flushEvery();
        for (long offset : offsets) {
            out.write(before);
            out.write(Long.toString(offset));
            out.write(after);
            if (--left == 0) {
                out.write("d sync 0 0\n");
                left = pattern.flushEvery();
            }
        }
    }

    private String run(String uri, long length) {
        Path said = place.file("fio.out");
        Path errors = place.file("fio.err");
        List<String> command = new ArrayList<>(Tools.onClientCore());
        // Its workers as threads: as processes they would outlive it when it is killed.
        command.addAll(List.of("fio", "--thread", "--name=figures", "--ioengine=nbd"));
        command.add("--uri=" + uri);
        command.addAll(List.of("--read_iolog=" + log, "--replay_no_stall=1"));
        command.addAll(List.of("--iodepth=" + DEPTH, "--size=" + length));
        command.add("--output-format=json");
        Process process =
                place.start(
                        command,
                        ProcessBuilder.Redirect.to(said.toFile()),
                        ProcessBuilder.Redirect.to(errors.toFile()));
        int status = process.onExit().join().exitValue();
        try {
            if (status != 0) {
                throw new FiguresException("fio failed: " + Files.readString(errors).strip());
            }
            return Files.readString(said, StandardCharsets.UTF_8);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /**
     * Finds the rate in what fio prints. What it calls so counts requests that were begun.
     *
     * @param said JSON, perhaps after other lines
     * @param direction read or write
     * @param bytes of each request
     */
    static double rate(String said, String direction, int bytes) {
        try {
            Map<String, @Nullable String> all = FlatJson.read(said.substring(said.indexOf('{')));
            double done = number(all, direction + ".io_bytes") / bytes;
            double millis = Math.max(1, number(all, direction + ".runtime"));
            if (done > 0) {
                return done / millis * MILLIS;
            }
        } catch (IllegalArgumentException | IndexOutOfBoundsException _) {
            // Falls through to the refusal.
        }
        throw new FiguresException("fio does not say how many requests it made");
    }

    private static double number(Map<String, @Nullable String> all, String name) {
        return Double.parseDouble(String.valueOf(all.get("jobs.0." + name)));
    }
}
