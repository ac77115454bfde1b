package dev.gaur.bench;

import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.mem.BufferPool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Random reads of 4 KiB through the Java API, page cache warm, one thread: qcow2 against raw.
 * Rounds alternate between the two, and each round is measured by itself, so that the median ratio
 * is not one of the machine's mood.
 *
 * <p>Run: {@code java --enable-native-access=ALL-UNNAMED -cp ... dev.gaur.bench.RandomReads
 * FOLDER}; needs {@code qemu-img} and 5 GB in the folder.
 */
public final class RandomReads {
    private static final int READ_BYTES = 4096;
    private static final long REAL_BYTES = 2L << 30;
    private static final long HUGE_BYTES = 1L << 40;
    private static final int ROUNDS = 7;
    private static final long ROUND_NANOS = 1_000_000_000;
    private static final int BATCH = 1000;

    /** 1 GiB: fits in the page cache, and lies all over the disk. */
    private static final int HOT_PAGES = 1 << 18;

    /** An odd number without pattern (the golden ratio): spreads neighbours far apart. */
    private static final long SPREAD = 0x9e37_79b9_7f4a_7c15L;

    /** What a slice of 4 KiB maps with clusters of 64 KiB. */
    private static final long TABLE_SLICE_COVERAGE = 32 << 20;

    private RandomReads() {}

    /** Two images of equal content, and which part of them is read. */
    private record Pair(String name, Path raw, Path qcow2, long window) {}

    /** Makes the images that are not there yet, measures, prints a table. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Path.of(args[0]);
        Path raw = folder.resolve("real.raw");
        Path qcow2 = folder.resolve("real.qcow2");
        Path hugeRaw = folder.resolve("huge.raw");
        Path huge = folder.resolve("huge.qcow2");
        if (!Files.exists(huge)) {
            fill(raw);
            run(
                    "qemu-img",
                    "convert",
                    "-f",
                    "raw",
                    "-O",
                    "qcow2",
                    raw.toString(),
                    qcow2.toString());
            try (RandomAccessFile file = new RandomAccessFile(hugeRaw.toFile(), "rw")) {
                file.setLength(HUGE_BYTES);
            }
            String size = Long.toString(HUGE_BYTES);
            run(
                    "qemu-img",
                    "create",
                    "-f",
                    "qcow2",
                    "-o",
                    "preallocation=metadata",
                    huge.toString(),
                    size);
        }
        List<Pair> pairs =
                List.of(
                        new Pair("2 GiB of data", raw, qcow2, REAL_BYTES),
                        new Pair("1 TiB, preallocated, 2 GiB of it", hugeRaw, huge, REAL_BYTES),
                        new Pair("1 TiB, preallocated, 1 GiB all over", hugeRaw, huge, HUGE_BYTES));
        System.out.println("| random 4k reads | raw/s | qcow2/s | qcow2 / raw (median, range) |");
        System.out.println("| --- | --- | --- | --- |");
        for (Pair pair : pairs) {
            System.out.println(measure(pair));
        }
    }

    private static void fill(Path file) throws IOException {
        Random random = new Random(1);
        byte[] piece = new byte[1 << 20];
        try (var out =
                Files.newByteChannel(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (long at = 0; at < REAL_BYTES; at += piece.length) {
                random.nextBytes(piece);
                out.write(ByteBuffer.wrap(piece));
            }
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0) {
            throw new IOException("exit " + exit + ": " + String.join(" ", command));
        }
    }

    private static String measure(Pair pair) {
        OpenRequest request = OpenRequest.READ;
        try (BlockDevice raw = ChainOpener.open(pair.raw().toString(), request.withFormat("raw"));
                BlockDevice qcow2 = ChainOpener.open(pair.qcow2().toString(), request)) {
            touchAll(raw, pair.window());
            touchAll(qcow2, pair.window());
            for (int round = 0; round < 2; round++) { // Until all is compiled.
                readsPerSecond(raw, pair.window());
                readsPerSecond(qcow2, pair.window());
            }
            List<Double> raws = new ArrayList<>();
            List<Double> qcow2s = new ArrayList<>();
            double[] ratios = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                raws.add(readsPerSecond(raw, pair.window()));
                qcow2s.add(readsPerSecond(qcow2, pair.window()));
                ratios[round] = qcow2s.getLast() / raws.getLast();
            }
            Arrays.sort(ratios);
            return "| %s | %.0f | %.0f | %.2f (%.2f-%.2f) |"
                    .formatted(
                            pair.name(),
                            median(raws),
                            median(qcow2s),
                            ratios[ROUNDS / 2],
                            ratios[0],
                            ratios[ROUNDS - 1]);
        }
    }

    /** Fills the caches: how fast that goes is another question. */
    private static void touchAll(BlockDevice device, long window) {
        MemorySegment buffer = BufferPool.allocate(READ_BYTES);
        for (long at = 0; at < window; at += TABLE_SLICE_COVERAGE) {
            device.read(at, buffer);
        }
        for (long i = 0; i < HOT_PAGES; i++) {
            device.read(((i * SPREAD) >>> 1) % (window / READ_BYTES) * READ_BYTES, buffer);
        }
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }

    private static double readsPerSecond(BlockDevice device, long window) {
        SplittableRandom random = new SplittableRandom(window);
        MemorySegment buffer = BufferPool.allocate(READ_BYTES);
        long pages = window / READ_BYTES;
        long count = 0;
        long start = System.nanoTime();
        long elapsed = 0;
        while (elapsed < ROUND_NANOS) {
            for (int i = 0; i < BATCH; i++) {
                long page = ((random.nextInt(HOT_PAGES) * SPREAD) >>> 1) % pages;
                device.read(page * READ_BYTES, buffer);
            }
            count += BATCH;
            elapsed = System.nanoTime() - start;
        }
        return count * 1e9 / elapsed;
    }
}
