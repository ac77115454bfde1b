package dev.gaur.verify.zoo;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/**
 * Makes random lists of {@code qemu-io} commands. Patterns come from files whose length is a prime,
 * so that equal bytes at two places are a coincidence and a misplaced sector shows.
 */
public final class Script {
    private static final long SECTOR = 512;

    private final Random random;
    private final Shape shape;
    private final BitSet touched = new BitSet();
    private final List<String> lines = new ArrayList<>();

    private Script(Random random, Shape shape) {
        this.random = random;
        this.shape = shape;
    }

    /**
     * A script of about {@code operations} requests: compressed writes first, as QEMU takes them
     * only where nothing is allocated, then anything anywhere.
     */
    public static List<String> random(Random random, Shape shape, int operations) {
        Script script = new Script(random, shape);
        if (shape.compresses()) {
            script.compressed(1 + random.nextInt(operations));
        }
        for (int i = 0; i < operations; i++) {
            script.anything();
        }
        return script.lines;
    }

    private void compressed(int count) {
        long clusters = shape.size() / shape.clusterSize();
        for (int i = 0; i < count; i++) {
            int first = random.nextInt((int) Math.min(clusters, 1 << 20));
            int many = 1 + random.nextInt(shape.clusterSize() > 1 << 19 ? 1 : 3);
            if (touched.get(first, first + many).isEmpty() && first + many <= clusters) {
                touched.set(first, first + many);
                line("write -c", pattern(), cluster(first), cluster(many));
            }
        }
    }

    private void anything() {
        long offset = random.nextLong(shape.size());
        long longest = Math.min(shape.size() - offset, 3L * shape.clusterSize());
        long length = 1 + random.nextLong(Math.min(longest, 300 << 10));
        switch (random.nextInt(8)) {
            case 0 -> line("write -z", "", offset, length);
            case 1 -> line("write -z -u", "", offset, length);
            case 2 -> line("discard", "", floor(offset), sectors(offset, length));
            case 3 -> wholeCluster("write -z -u", "");
            case 4 -> wholeCluster("write -z", "");
            case 5 -> wholeCluster("write", pattern());
            default -> line("write", pattern(), offset, length);
        }
    }

    private void wholeCluster(String verb, String pattern) {
        long clusters = shape.size() / shape.clusterSize();
        long first = random.nextLong(clusters);
        long many = 1 + random.nextLong(Math.min(3, clusters - first));
        line(verb, pattern, first * shape.clusterSize(), many * shape.clusterSize());
    }

    private String pattern() {
        return switch (random.nextInt(6)) {
            case 0 -> "-P " + (1 + random.nextInt(255));
            case 1, 2 -> "-s noise";
            default -> "-s words";
        };
    }

    private long cluster(int count) {
        return (long) count * shape.clusterSize();
    }

    private static long floor(long offset) {
        return offset / SECTOR * SECTOR;
    }

    private static long sectors(long offset, long length) {
        return Math.max(SECTOR, floor(offset + length) - floor(offset));
    }

    private void line(String verb, String pattern, long offset, long length) {
        lines.add((verb + " " + pattern + " " + offset + " " + length).replace("  ", " "));
    }
}
