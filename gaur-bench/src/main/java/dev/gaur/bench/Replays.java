package dev.gaur.bench;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.Durability;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * How long it takes until an image of which the process died can be written to again, with its
 * journal and without. The deaths are those of other processes; what is measured happens in this
 * one, after rounds that warm up.
 *
 * <p>Run by {@code bench/replay}, which compiles it: it uses nothing but the library and the JDK.
 */
public final class Replays {
    private static final int PAGE = 4096;
    private static final int CLUSTER_BITS_MOST = 16;
    private static final int FLUSH_EVERY = 50;
    private static final int WARM_UPS = 14;
    private static final int OPENINGS = 500;
    private static final int AUTOCLEAR_AT = 88;
    private static final double NANOS_PER_MILLI = 1e6;

    /** What the page cache has of the image. */
    private enum Cache {
        WARM("warm"),
        COLD("cold"),
        NONE("O_DIRECT");

        private final String label;

        Cache(String label) {
            this.label = label;
        }
    }

    private Replays() {}

    /**
     * Runs the benchmark, or one death.
     *
     * @param arguments {@code measure FILE NAME CHANGES PAIRS}, which prints rows of a table;
     *     {@code die FILE CHANGES SEED}, which waits to be killed; or {@code shuffle FILE}, which
     *     gives the clusters of a preallocated image each other's places
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path image = Path.of(arguments[1]);
        if (arguments[0].equals("die")) {
            die(image, Integer.parseInt(arguments[2]), Long.parseLong(arguments[3]));
            return;
        }
        if (arguments[0].equals("shuffle")) {
            shuffle(image);
            return;
        }
        int pairs = Integer.parseInt(arguments[4]);
        for (int i = 0; i < OPENINGS; i++) {
            open(image, Cache.WARM);
        }
        for (Cache cache : Cache.values()) {
            double[] replays = new double[pairs];
            double[] repairs = new double[pairs];
            double[] cleans = new double[pairs];
            for (int round = -WARM_UPS; round < pairs; round++) {
                double replay = measure(image, arguments[3], 2L * round, cache, false);
                double clean = open(image, cache);
                double repair = measure(image, arguments[3], 2L * round + 1, cache, true);
                if (round >= 0) {
                    replays[round] = replay;
                    repairs[round] = repair;
                    cleans[round] = clean;
                }
            }
            print(arguments[2] + " | " + cache.label, cleans, replays, repairs);
        }
    }

    private static void print(String name, double[] cleans, double[] replays, double[] repairs) {
        Arrays.sort(cleans);
        Arrays.sort(replays);
        Arrays.sort(repairs);
        double clean = cleans[cleans.length / 2];
        double replay = replays[replays.length / 2];
        double repair = repairs[repairs.length / 2];
        System.out.printf(
                "| %s | %.1f | %.1f (%.1f-%.1f) | %.0f (%.0f-%.0f) | 1/%.0f | 1/%.0f | 1/50 |%n",
                name,
                clean,
                replay,
                replays[0],
                replays[replays.length - 1],
                repair,
                repairs[0],
                repairs[repairs.length - 1],
                repair / replay,
                (repair - clean) / (replay - clean));
    }

    private static OpenOptions writable() {
        return OpenOptions.DEFAULT.withFormat("qcow2").withWritable(true);
    }

    /** Every other change frees a cluster somewhere, the next one writes to it. */
    private static void die(Path image, int changes, long seed) throws IOException {
        DiskImage disk = Gaur.open(image, writable());
        Random random = new Random(seed);
        MemorySegment page = Arena.global().allocate(PAGE, PAGE).fill((byte) 7);
        long places = disk.io().length() >> CLUSTER_BITS_MOST;
        long at = 0;
        for (int i = 0; i < changes; i++) {
            if (i % 2 == 0) {
                at = (1 + random.nextLong(places - 1)) << CLUSTER_BITS_MOST;
                disk.io().discard(at, 1 << CLUSTER_BITS_MOST);
            } else {
                disk.io().write(at, page, Durability.CACHED);
            }
            if (i % FLUSH_EVERY == 0) {
                disk.io().flush();
            }
        }
        disk.io().flush();
        System.out.println("flushed");
        System.in.read(); // Until it is killed.
    }

    /** As if all had been written in random order. */
    private static void shuffle(Path image) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(L1_ENTRIES_AT);
            long[] tables = new long[file.readInt()];
            file.seek(file.readLong());
            for (int i = 0; i < tables.length; i++) {
                tables[i] = file.readLong() & OFFSET_MASK;
            }
            int perTable = (1 << CLUSTER_BITS_MOST) / Long.BYTES;
            long[] entries = new long[tables.length * perTable];
            byte[] bytes = new byte[1 << CLUSTER_BITS_MOST];
            for (int i = 0; i < tables.length; i++) {
                file.seek(tables[i]);
                file.readFully(bytes);
                ByteBuffer.wrap(bytes).asLongBuffer().get(entries, i * perTable, perTable);
            }
            Random random = new Random(1);
            for (int i = entries.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                long swapped = entries[i];
                entries[i] = entries[other];
                entries[other] = swapped;
            }
            for (int i = 0; i < tables.length; i++) {
                file.seek(tables[i]);
                ByteBuffer.wrap(bytes).asLongBuffer().put(entries, i * perTable, perTable);
                file.write(bytes);
            }
        }
    }

    private static final int L1_ENTRIES_AT = 36;
    private static final long OFFSET_MASK = 0x00ff_ffff_ffff_fe00L;

    private static void run(List<String> command) throws IOException, InterruptedException {
        int status = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (status != 0) {
            throw new IllegalStateException(command + " exited with " + status);
        }
    }

    /** Runs a process until it says a line, and kills it. */
    private static void kill(List<String> command) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader lines = process.inputReader()) {
            if (lines.readLine() == null) {
                throw new IllegalStateException(command + " failed");
            }
        }
        process.destroyForcibly().waitFor();
    }

    private static double measure(Path image, String changes, long seed, Cache cache, boolean stale)
            throws IOException, InterruptedException {
        kill(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Replays.class.getName(),
                        "die",
                        image.toString(),
                        changes,
                        Long.toString(seed)));
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(AUTOCLEAR_AT);
            if (file.readLong() == 0) {
                throw new IllegalStateException("there is no journal in force");
            }
            if (stale) {
                file.seek(AUTOCLEAR_AT);
                file.writeLong(0);
            }
            file.getFD().sync();
        }
        return open(image, cache);
    }

    /** Milliseconds from opening an image until something was written, stable. */
    private static double open(Path image, Cache cache) throws IOException, InterruptedException {
        if (cache == Cache.COLD) {
            String file = "of=" + image;
            run(List.of("dd", file, "oflag=nocache", "conv=notrunc", "count=0", "status=none"));
        }
        MemorySegment page = Arena.global().allocate(PAGE, PAGE).fill((byte) 7);
        long begun = System.nanoTime();
        try (DiskImage disk = Gaur.open(image, writable().withDirect(cache == Cache.NONE))) {
            disk.io().write(0, page, Durability.STABLE);
            return (System.nanoTime() - begun) / NANOS_PER_MILLI;
        }
    }
}
