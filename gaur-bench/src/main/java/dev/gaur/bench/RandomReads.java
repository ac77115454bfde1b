package dev.gaur.bench;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockIo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.LongStream;

/**
 * Random reads of 4 KiB through the Java API, page cache warm, one thread: qcow2 against raw. The
 * two images of a pair have equal content and take turns, round by round; the ratio is the median
 * of each pair of rounds, so that the machine's mood is no part of it.
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

    /**
     * One round's result.
     *
     * @param wall reads a second
     * @param cpu reads a second of this thread's processor time
     */
    private record Rate(double wall, double cpu) {}

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
                "| random 4k reads | raw/s | qcow2/s | qcow2 / raw (range) | of processor time |");
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
        try (DiskImage rawDisk = Gaur.open(rawPath, OpenOptions.DEFAULT.withFormat("raw"));
                DiskImage qcow2Disk = Gaur.open(qcow2Path);
                Arena arena = Arena.ofShared()) {
            MemorySegment buffer = arena.allocate(READ_BYTES, READ_BYTES);
            BlockIo raw = rawDisk.io();
            BlockIo qcow2 = qcow2Disk.io();
            for (long offset : reads) { // Fills the page cache.
                raw.read(offset, buffer);
                qcow2.read(offset, buffer);
            }
            Rate[] raws = new Rate[ROUNDS];
            Rate[] qcow2s = new Rate[ROUNDS];
            for (int round = -WARM_UPS; round < ROUNDS; round++) {
                Rate first = rate(raw, reads, buffer);
                Rate second = rate(qcow2, reads, buffer);
                if (round >= 0) {
                    raws[round] = first;
                    qcow2s[round] = second;
                }
            }
            return row(disk, raws, qcow2s);
        }
    }

    private static Rate rate(BlockIo disk, long[] reads, MemorySegment buffer) {
        var threads = ManagementFactory.getThreadMXBean();
        long count = 0;
        int next = 0;
        long cpuStart = threads.getCurrentThreadCpuTime();
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
        long cpu = threads.getCurrentThreadCpuTime() - cpuStart;
        return new Rate(count * 1e9 / elapsed, count * 1e9 / cpu);
    }

    private static String row(Disk disk, Rate[] raws, Rate[] qcow2s) {
        double[] wall = ratios(raws, qcow2s, Rate::wall);
        double[] cpu = ratios(raws, qcow2s, Rate::cpu);
        return "| %s | %.0f k | %.0f k | %.2f (%.2f-%.2f) | %.2f |"
                .formatted(
                        disk.name(),
                        median(raws) / 1000,
                        median(qcow2s) / 1000,
                        wall[ROUNDS / 2],
                        wall[0],
                        wall[ROUNDS - 1],
                        cpu[ROUNDS / 2]);
    }

    private static double[] ratios(Rate[] raws, Rate[] qcow2s, Function<Rate, Double> of) {
        double[] ratios = new double[ROUNDS];
        Arrays.setAll(ratios, i -> of.apply(qcow2s[i]) / of.apply(raws[i]));
        Arrays.sort(ratios);
        return ratios;
    }

    private static double median(Rate[] rates) {
        return Arrays.stream(rates)
                .mapToDouble(Rate::wall)
                .sorted()
                .skip(ROUNDS / 2)
                .findFirst()
                .orElseThrow();
    }
}
