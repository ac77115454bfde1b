package dev.gaur.bench;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;

/**
 * Writes through the Java API: qcow2 against raw. Each kind of work is done on a raw image and on a
 * qcow2 image in turns, round by round; the ratio is the median of each pair of rounds, so that the
 * machine's mood is no part of it. Work that allocates gets new images for each round. Rounds that
 * warm up come first and do not count.
 *
 * <p>Run by {@code bench/write}, as a source file: it uses nothing but the library and the JDK.
 */
public final class Writes {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;
    private static final int PAGE = 4 * KIB;
    private static final int CLUSTER = 64 * KIB;
    private static final int WARM_UPS = 3;

    private Writes() {}

    /**
     * A kind of work.
     *
     * @param key for choosing rows
     * @param goal the least ratio that is wanted
     * @param rewrites on disks that are full, else on empty ones
     * @param bytes of each write
     * @param places where the writes go are so far from each other
     * @param random in random order, else from the first place to the last
     * @param writes of a round; each goes to a place of its own
     * @param threads that write
     * @param virtual whether they are virtual threads
     * @param flushEvery so many writes there is a flush; 0 for none
     */
    private record Work(
            String key,
            String name,
            String goal,
            boolean rewrites,
            int bytes,
            int places,
            boolean random,
            int writes,
            int threads,
            boolean virtual,
            int flushEvery) {

        static Work rewriting(String key, String name, int bytes, boolean random, int writes) {
            return new Work(key, name, "0.9", true, bytes, bytes, random, writes, 1, false, 0);
        }

        static Work allocating(
                String key, String name, String goal, int bytes, boolean random, int writes) {
            return new Work(key, name, goal, false, bytes, CLUSTER, random, writes, 1, false, 0);
        }

        Work in(int others, boolean virtualOnes) {
            return new Work(
                    key,
                    name,
                    goal,
                    rewrites,
                    bytes,
                    places,
                    random,
                    writes,
                    others,
                    virtualOnes,
                    flushEvery);
        }

        Work flushingEvery(int some) {
            return new Work(
                    key, name, goal, rewrites, bytes, places, random, writes, threads, virtual,
                    some);
        }

        long size() {
            return (long) places * writes;
        }

        /** Where each write goes, in order; within their places small ones are everywhere. */
        long[] offsets() {
            Random dice = new Random(writes);
            long[] offsets =
                    LongStream.range(0, writes)
                            .map(i -> i * places + dice.nextInt(places / bytes) * (long) bytes)
                            .toArray();
            for (int i = writes - 1; random && i > 0; i--) {
                int other = dice.nextInt(i + 1);
                long swapped = offsets[i];
                offsets[i] = offsets[other];
                offsets[other] = swapped;
            }
            return offsets;
        }
    }

    private static final List<Work> ALL =
            List.of(
                    Work.rewriting("rewrite4k", "rewrite, random 4k", PAGE, true, 131_072),
                    Work.rewriting("rewrite1m", "rewrite, 1M in order", MIB, false, 512),
                    allocating64k("allocate64k", "allocating, 64k in order", false),
                    allocating64k("allocate64krandom", "allocating, random 64k", true),
                    allocating4k("allocate4k16", ", 16 threads", "0.7", 65_536).in(16, false),
                    allocating4k("allocate4kvirtual", ", 16 virtual threads", "0.7", 65_536)
                            .in(16, true),
                    allocating4k("allocate4k", ", one thread", "", 65_536),
                    allocating4k("flush1", ", a flush after each", "0.6", 2000).flushingEvery(1),
                    allocating4k("flush16", ", a flush after 16", "0.6", 4096).flushingEvery(16));

    private static Work allocating64k(String key, String name, boolean random) {
        return Work.allocating(key, name, "0.8", CLUSTER, random, 8192);
    }

    private static Work allocating4k(String key, String how, String goal, int writes) {
        return Work.allocating(key, "allocating, random 4k" + how, goal, PAGE, true, writes);
    }

    /**
     * One round's result, in seconds.
     *
     * @param writing with its flushes
     * @param all the same and a flush at the end
     * @param processor time of the whole process for all of it
     */
    private record Time(double writing, double all, double processor) {}

    /**
     * Measures and prints rows of a table.
     *
     * @param args the folder; how many pairs; perhaps the keys of rows, all others are left out
     */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        int pairs = Integer.parseInt(args[1]);
        List<String> wanted = Arrays.asList(args).subList(2, args.length);
        System.out.println(
                "| writes | raw/s | qcow2/s | qcow2 / raw (range) | goal | with a flush at the end"
                        + " | of processor time |");
        System.out.println("| --- | --- | --- | --- | --- | --- | --- |");
        Path raw = folder.resolve("bench-writes.raw");
        Path qcow2 = folder.resolve("bench-writes.qcow2");
        try {
            for (Work work : ALL) {
                if (wanted.isEmpty() || wanted.contains(work.key())) {
                    System.out.println(measure(work, pairs, raw, qcow2));
                    Files.delete(raw);
                    Files.delete(qcow2);
                }
            }
        } finally {
            Files.deleteIfExists(raw);
            Files.deleteIfExists(qcow2);
        }
    }

    private static String measure(Work work, int pairs, Path raw, Path qcow2) throws Exception {
        if (work.rewrites()) {
            makeFull(work, raw, "raw");
            makeFull(work, qcow2, "qcow2");
        }
        var raws = new ArrayList<Time>();
        var qcow2s = new ArrayList<Time>();
        for (int round = -WARM_UPS; round < pairs; round++) {
            Time first = round(work, raw, "raw");
            Time second = round(work, qcow2, "qcow2");
            if (round >= 0) {
                raws.add(first);
                qcow2s.add(second);
            }
        }
        double[] writing = ratios(raws, qcow2s, Time::writing);
        return "| %s | %.1f k | %.1f k | %.2f (%.2f-%.2f) | %s | %.2f | %.2f |"
                .formatted(
                        work.name(),
                        work.writes() / median(raws, Time::writing) / 1000,
                        work.writes() / median(qcow2s, Time::writing) / 1000,
                        writing[pairs / 2],
                        writing[0],
                        writing[pairs - 1],
                        work.goal(),
                        ratios(raws, qcow2s, Time::all)[pairs / 2],
                        ratios(raws, qcow2s, Time::processor)[pairs / 2]);
    }

    private static double[] ratios(
            List<Time> raws, List<Time> qcow2s, ToDoubleFunction<Time> time) {
        double[] ratios = new double[raws.size()];
        Arrays.setAll(
                ratios, i -> time.applyAsDouble(raws.get(i)) / time.applyAsDouble(qcow2s.get(i)));
        Arrays.sort(ratios);
        return ratios;
    }

    private static double median(List<Time> times, ToDoubleFunction<Time> time) {
        return times.stream().mapToDouble(time).sorted().toArray()[times.size() / 2];
    }

    private static void makeEmpty(long size, Path path, String format) throws Exception {
        Files.deleteIfExists(path);
        if (format.equals("raw")) {
            try (var file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(size);
            }
            return;
        }
        var command = List.of("qemu-img", "create", "-q", "-f", format, path.toString(), "" + size);
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0) {
            throw new IOException("exit " + exit + ": " + String.join(" ", command));
        }
    }

    private static DiskImage open(Path path, String format) {
        return Gaur.open(path, OpenOptions.DEFAULT.withFormat(format).withWritable(true));
    }

    /**
     * Fills a disk by writes of one cluster: then the page cache holds both files in equal pieces.
     * Larger pieces make small writes slower and large ones faster.
     */
    private static void makeFull(Work work, Path path, String format) throws Exception {
        makeEmpty(work.size(), path, format);
        try (DiskImage disk = open(path, format);
                Arena arena = Arena.ofShared()) {
            MemorySegment data = data(arena, CLUSTER);
            for (long at = 0; at < disk.size(); at += CLUSTER) {
                disk.io().write(at, data, Durability.CACHED);
            }
        }
    }

    private static MemorySegment data(Arena arena, int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        MemorySegment segment = arena.allocate(bytes, PAGE);
        MemorySegment.copy(data, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes);
        return segment;
    }

    private static Time round(Work work, Path path, String format) throws Exception {
        if (!work.rewrites()) {
            makeEmpty(work.size(), path, format);
        }
        long[] offsets = work.offsets();
        try (DiskImage disk = open(path, format);
                Arena arena = Arena.ofShared()) {
            BlockIo io = disk.io();
            MemorySegment data = data(arena, work.bytes());
            io.write(0, data.asSlice(0, 0), Durability.CACHED); // Gets ready to write.
            io.flush();
            long processorBefore = processorTime();
            long start = System.nanoTime();
            if (work.threads() == 1) {
                write(work, io, data, offsets);
            } else {
                writeInThreads(work, io, data, offsets);
            }
            long written = System.nanoTime();
            io.flush();
            long end = System.nanoTime();
            return new Time(
                    (written - start) / 1e9,
                    (end - start) / 1e9,
                    (processorTime() - processorBefore) / 1e9);
        }
    }

    private static long processorTime() {
        return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getProcessCpuTime();
    }

    private static void write(Work work, BlockIo io, MemorySegment data, long[] offsets) {
        int left = work.flushEvery();
        for (long offset : offsets) {
            io.write(offset, data, Durability.CACHED);
            if (--left == 0) {
                io.flush();
                left = work.flushEvery();
            }
        }
    }

    private static void writeInThreads(Work work, BlockIo io, MemorySegment data, long[] offsets)
            throws InterruptedException, ExecutionException {
        int share = offsets.length / work.threads();
        var parts = new ArrayList<Callable<Boolean>>();
        for (int from = 0; from < offsets.length; from += share) {
            long[] part = Arrays.copyOfRange(offsets, from, from + share);
            parts.add(
                    () -> {
                        write(work, io, data, part);
                        return true;
                    });
        }
        var builder = work.virtual() ? Thread.ofVirtual() : Thread.ofPlatform();
        try (var threads = Executors.newFixedThreadPool(work.threads(), builder.factory())) {
            for (Future<Boolean> done : threads.invokeAll(parts)) {
                done.get();
            }
        }
    }
}
