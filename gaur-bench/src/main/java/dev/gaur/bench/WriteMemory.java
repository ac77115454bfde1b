package dev.gaur.bench;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.Durability;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/**
 * What memory random writes of 4 KiB to a disk of 1 TiB take, each to a cluster that has no place
 * yet, nearly. Prints a row of a table: the largest heap in use after a collection while the image
 * was open, beyond what was in use before; and the process's largest resident set.
 *
 * <p>Run by {@code bench/write}, as a source file and with a small heap, for a raw image (what the
 * JVM and the system calls take) and for a qcow2 image.
 */
public final class WriteMemory {
    private static final int BYTES = 4096;
    private static final int STEPS = 20;
    private static final int MIB = 1 << 20;

    private WriteMemory() {}

    /**
     * Writes and prints.
     *
     * @param args the file; its format; bound of the cache of mapping tables; how many writes; what
     *     else the row is to say
     */
    public static void main(String[] args) throws IOException {
        Path path = Path.of(args[0]);
        long cacheBytes = Long.parseLong(args[2]);
        int writes = Integer.parseInt(args[3]);
        Random dice = new Random(1);
        long before = heapInUse();
        long most = 0;
        OpenOptions options =
                OpenOptions.DEFAULT
                        .withFormat(args[1])
                        .withWritable(true)
                        .withMetadataCacheBytes(cacheBytes);
        long start = System.nanoTime();
        try (DiskImage disk = Gaur.open(path, options);
                Arena arena = Arena.ofShared()) {
            MemorySegment data = arena.allocate(BYTES, BYTES).fill((byte) 1);
            for (int step = 0; step < STEPS; step++) {
                for (int i = 0; i < writes / STEPS; i++) {
                    long offset = dice.nextLong(disk.size() / BYTES) * BYTES;
                    disk.io().write(offset, data, Durability.CACHED);
                }
                most = Math.max(most, heapInUse() - before);
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
                "| %s %s | %d | %.1f MiB | %d MiB | %d MiB | %.1f s |%n",
                args[1],
                args[4],
                writes,
                (double) most / MIB,
                Runtime.getRuntime().maxMemory() / MIB,
                peakResidentKib() / 1024,
                seconds);
    }

    private static long heapInUse() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long peakResidentKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }
}
