package dev.gaur.bench;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Extent;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

/**
 * Random reads of 4 KiB through the Java API, page cache warm, one thread: qcow2 against raw. The
 * two images of a pair have equal content and take turns, round by round; the ratio is the median
 * of each pair of rounds, so that the machine's mood is no part of it. A third one reads the qcow2
 * file as a raw one, at the places where its data lies: the kernel's work is the same there, so
 * that this ratio tells what the format costs.
 *
 * <p>Run by {@code bench/read}, as a source file: it uses nothing but the library and the JDK.
 */
public final class RandomReads {
    private static final int READ_BYTES = 4096;
    private static final int CLUSTER = 64 << 10;
    private static final int ROUNDS = 7;
    private static final int WARM_UPS = 3;
    private static final long ROUND_NANOS = 1_000_000_000;
    private static final int BATCH = 1000;
    private static final long GIB = 1L << 30;

    private RandomReads() {}

    /**
     * A disk and what of it has data.
     *
     * @param size of the disk
     * @param data bytes of clusters with data, which lie equally far from each other; all of them
     *     are read
     * @param preallocated as holes behind preallocated metadata instead of data
     */
    private record Disk(String name, long size, long data, boolean preallocated) {
        long clusters() {
            return data / CLUSTER;
        }

        long offset(long cluster) {
            return cluster * (size / clusters());
        }

        /** Each page of each cluster once, in random order. */
        long[] reads() {
            int inCluster = CLUSTER / READ_BYTES;
            long[] reads =
                    LongStream.range(0, data / READ_BYTES)
                            .map(i -> offset(i / inCluster) + i % inCluster * READ_BYTES)
                            .toArray();
            Random random = new Random(size);
            for (int i = reads.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                long swapped = reads[i];
                reads[i] = reads[other];
                reads[other] = swapped;
            }
            return reads;
        }
    }

    /** Makes the images one pair after the other in a folder, measures, prints rows of a table. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Path.of(args[0]);
        List<Disk> disks =
                List.of(
                        new Disk("2 GiB, all data", 2 * GIB, 2 * GIB, false),
                        new Disk("64 GiB, 1 GiB of data all over", 64 * GIB, GIB, false),
                        new Disk("1 TiB, 1 GiB of data all over", 1024 * GIB, GIB, false),
                        new Disk("1 TiB, preallocated, 1 GiB all over", 1024 * GIB, GIB, true));
        System.out.println(
                "| random 4k reads | raw/s | qcow2/s | qcow2 / raw (range)"
                        + " | qcow2 / raw at the same places (range) |");
        System.out.println("| --- | --- | --- | --- | --- |");
        Path raw = folder.resolve("bench-reads.raw");
        Path qcow2 = folder.resolve("bench-reads.qcow2");
        try {
            for (Disk disk : disks) {
                make(disk, raw, qcow2);
                System.out.println(measure(disk, raw, qcow2));
                Files.delete(raw);
                Files.delete(qcow2);
            }
        } finally {
            Files.deleteIfExists(raw);
            Files.deleteIfExists(qcow2);
        }
    }

    private static void make(Disk disk, Path raw, Path qcow2)
            throws IOException, InterruptedException {
        Random random = new Random(1);
        byte[] piece = new byte[CLUSTER];
        try (var file =
                FileChannel.open(raw, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (long i = 0; i < disk.clusters() && !disk.preallocated(); i++) {
                random.nextBytes(piece);
                file.write(ByteBuffer.wrap(piece), disk.offset(i));
            }
            if (file.size() < disk.size()) {
                file.write(ByteBuffer.allocate(1), disk.size() - 1);
            }
        }
        if (disk.preallocated()) {
            String size = Long.toString(disk.size());
            String options = "preallocation=metadata";
            run("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, qcow2.toString(), size);
        } else {
            run(
                    "qemu-img",
                    "convert",
                    "-O",
                    "qcow2",
                    "-f",
                    "raw",
                    raw.toString(),
                    qcow2.toString());
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0) {
            throw new IOException("exit " + exit + ": " + String.join(" ", command));
        }
    }

    private static String measure(Disk disk, Path rawPath, Path qcow2Path) throws IOException {
        long[] reads = disk.reads();
        OpenOptions asRaw = OpenOptions.DEFAULT.withFormat("raw");
        try (DiskImage rawDisk = Gaur.open(rawPath, asRaw);
                DiskImage qcow2Disk = Gaur.open(qcow2Path);
                DiskImage file = Gaur.open(qcow2Path, asRaw);
                Arena arena = Arena.ofShared()) {
            MemorySegment buffer = arena.allocate(READ_BYTES, READ_BYTES);
            BlockIo raw = rawDisk.io();
            BlockIo qcow2 = qcow2Disk.io();
            long[] places = places(qcow2, reads);
            for (long offset : reads) { // Fills the page cache.
                raw.read(offset, buffer);
                qcow2.read(offset, buffer);
            }
            double[] raws = new double[ROUNDS];
            double[] qcow2s = new double[ROUNDS];
            double[] files = new double[ROUNDS];
            for (int round = -WARM_UPS; round < ROUNDS; round++) {
                double first = rate(raw, reads, buffer);
                double second = rate(qcow2, reads, buffer);
                double third = rate(file.io(), places, buffer);
                if (round >= 0) {
                    raws[round] = first;
                    qcow2s[round] = second;
                    files[round] = third;
                }
            }
            return "| %s | %.0f k | %.0f k | %s | %s |"
                    .formatted(
                            disk.name(),
                            median(raws) / 1000,
                            median(qcow2s) / 1000,
                            ratios(raws, qcow2s),
                            ratios(files, qcow2s));
        }
    }

    /** Where in its file an image has what is read. */
    private static long[] places(BlockIo image, long[] reads) {
        long[] places = new long[reads.length];
        for (int i = 0; i < reads.length; i++) {
            int index = i;
            image.extents(
                    reads[i],
                    READ_BYTES,
                    extent -> {
                        if (extent instanceof Extent.Data data) {
                            places[index] = data.hostOffset();
                        }
                        return false;
                    });
        }
        return places;
    }

    /** Returns reads a second. */
    private static double rate(BlockIo disk, long[] reads, MemorySegment buffer) {
        long count = 0;
        int next = 0;
        long start = System.nanoTime();
        long elapsed = 0;
        while (elapsed < ROUND_NANOS) {
            for (int i = 0; i < BATCH; i++) {
                disk.read(reads[next], buffer);
                next = next + 1 == reads.length ? 0 : next + 1;
            }
            count += BATCH;
            elapsed = System.nanoTime() - start;
        }
        return count * 1e9 / elapsed;
    }

    private static String ratios(double[] of, double[] to) {
        double[] ratios = new double[ROUNDS];
        Arrays.setAll(ratios, i -> to[i] / of[i]);
        Arrays.sort(ratios);
        return "%.2f (%.2f-%.2f)".formatted(median(ratios), ratios[0], ratios[ROUNDS - 1]);
    }

    private static double median(double[] rates) {
        return Arrays.stream(rates).sorted().skip(ROUNDS / 2).findFirst().orElseThrow();
    }
}
