package dev.gaur.cli.figures;

import java.util.Random;

/**
 * A kind of requests. Each goes to a place of its own; a pass over all places is a measurement.
 *
 * @param key for choosing it
 * @param title for people
 * @param write whether it writes
 * @param bytes of each request
 * @param step bytes from one place to the next; 0 if the places are spread over the whole disk
 * @param random in random order, else from the first place to the last
 * @param flushEvery so many requests there is a flush; 0 for none
 */
record Pattern(
        String key,
        String title,
        boolean write,
        int bytes,
        int step,
        boolean random,
        int flushEvery) {
    /** Seed of every order of places: each run does the same. */
    private static final long SEED = 20151014;

    /** The usual size of a cluster. */
    static final int CLUSTER = 64 << 10;

    private static final int PAGE = 4 << 10;
    private static final int MIB = 1 << 20;
    private static final int FLUSH_EVERY = 1000;

    static final Pattern READ_RANDOM =
            new Pattern("read-4k-random", "4k random reads", false, PAGE, PAGE, true, 0);
    static final Pattern READ_SEQUENTIAL =
            new Pattern("read-1m", "1M sequential reads", false, MIB, MIB, false, 0);
    static final Pattern READ_SPREAD =
            new Pattern(
                    "read-4k-random", "4k random reads all over the disk", false, PAGE, 0, true, 0);
    static final Pattern RANDOM_PAGES =
            new Pattern(
                    "4k-random-all", "4k random writes, every block", true, PAGE, PAGE, true, 0);
    static final Pattern RANDOM =
            new Pattern(
                    "4k-random",
                    "4k random writes, one in each 64 KiB",
                    true,
                    PAGE,
                    CLUSTER,
                    true,
                    0);
    static final Pattern SEQUENTIAL =
            new Pattern("4k", "4k sequential writes", true, PAGE, PAGE, false, 0);
    static final Pattern CLUSTERS =
            new Pattern("64k", "64k sequential writes", true, CLUSTER, CLUSTER, false, 0);
    static final Pattern LARGE =
            new Pattern("1m", "1M sequential writes", true, MIB, MIB, false, 0);
    static final Pattern LARGE_RANDOM =
            new Pattern("1m-random", "1M random writes", true, MIB, MIB, true, 0);

    /** The same with a flush now and then. */
    Pattern flushing() {
        return new Pattern(
                key + "-flush",
                title + ", a flush after each 1000",
                write,
                bytes,
                step,
                random,
                FLUSH_EVERY);
    }

    /** Returns how many places there are. */
    int count(long length, int most) {
        return step == 0 ? most : (int) Math.max(1, Math.min(most, length / step));
    }

    /**
     * Returns where each request goes, in order. Small ones in large places are anywhere in them.
     *
     * @param length bytes of the disk that are used
     * @param most how many places there are at most
     */
    long[] offsets(long length, int most) {
        int count = count(length, most);
        long wide = step == 0 ? length / count : step;
        Random dice = new Random(SEED + bytes);
        long[] offsets = new long[count];
        for (int i = 0; i < count; i++) {
            int within = (int) (step == 0 ? 1 : wide / bytes);
            offsets[i] = i * wide / bytes * bytes + dice.nextInt(within) * (long) bytes;
        }
        if (random) {
            shuffle(offsets, dice);
        }
        return offsets;
    }

    /** Brings numbers into another order. */
    static void shuffle(long[] numbers, Random dice) {
        for (int i = numbers.length - 1; i > 0; i--) {
            int other = dice.nextInt(i + 1);
            long swapped = numbers[i];
            numbers[i] = numbers[other];
            numbers[other] = swapped;
        }
    }
}
