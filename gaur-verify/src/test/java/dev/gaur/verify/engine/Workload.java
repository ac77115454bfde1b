package dev.gaur.verify.engine;

import dev.gaur.block.ZeroMode;
import dev.gaur.format.CacheOptions;
import dev.gaur.format.DetectZeroes;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Draws operations: most of them near the edges of clusters, sectors and subclusters. */
final class Workload {
    private static final int SECTOR = 512;
    private static final long SMALL_CACHE = 8192;

    /** What a workload has beside requests for data. */
    enum Extras {
        /** Nothing. */
        NONE,
        /** Reopening after a flush, snapshots, other sizes, bitmaps. */
        CLEAN,
        /** These, and reopening without a flush. */
        ALL
    }

    private final Random random;
    private final ImageSpec spec;
    private final Extras extras;
    private int snapshots;
    private int bitmaps;

    private Workload(Random random, ImageSpec spec, Extras extras) {
        this.random = random;
        this.spec = spec;
        this.extras = extras;
    }

    /** Draws a list of operations for an image. */
    static List<Op> random(Random random, ImageSpec spec, Extras extras, int count) {
        Workload workload = new Workload(random, spec, extras);
        List<Op> ops = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ops.add(
                    extras != Extras.NONE && random.nextInt(6) == 0
                            ? workload.extra()
                            : workload.request());
        }
        return ops;
    }

    /** Draws how an image is opened: nothing that changes what the disk reads as. */
    static FormatOptions options(Random random, ImageSpec spec) {
        long tables = random.nextBoolean() ? FormatOptions.AUTO : SMALL_CACHE;
        long counts = random.nextBoolean() ? FormatOptions.AUTO : SMALL_CACHE;
        DetectZeroes[] zeroes = DetectZeroes.values();
        return new FormatOptions("", tables)
                .withCaches(
                        new CacheOptions(
                                FormatOptions.AUTO, FormatOptions.AUTO, counts, FormatOptions.AUTO))
                .withCowCacheBytes(waiting(random.nextLong(), spec))
                .withDiscard(
                        new DiscardOptions(
                                true,
                                random.nextBoolean(),
                                random.nextBoolean(),
                                random.nextBoolean(),
                                random.nextInt(4) == 0 && spec.isV3()))
                .withDetectZeroes(zeroes[random.nextInt(zeroes.length)]);
    }

    /**
     * How much may wait in memory for the rest of its cluster: nothing, as much as usual, or so
     * little that it has to make room all the time.
     */
    static long waiting(long seed, ImageSpec spec) {
        return switch ((int) Math.floorMod(seed, 3L)) {
            case 0 -> 0;
            case 1 -> (1 + Math.floorMod(seed / 3, 3L)) * spec.clusterSize();
            default -> FormatOptions.AUTO;
        };
    }

    private Op request() {
        int kind = random.nextInt(20);
        if (kind == 0) {
            return new Op.Flush();
        }
        long offset = edge();
        int length = length(offset);
        boolean stable = random.nextInt(10) == 0;
        return switch (kind) {
            case 1, 2 -> new Op.Flush();
            case 3, 4 -> new Op.Read(offset, length);
            case 5, 6, 7 -> new Op.Zero(offset, length, mode(), stable);
            case 8, 9, 10 -> discard(offset, length);
            case 11, 12 -> compressed();
            case 13 -> wholeClusters(stable);
            default -> new Op.Write(offset, length, random.nextLong(), stable);
        };
    }

    private ZeroMode mode() {
        return ZeroMode.values()[random.nextInt(ZeroMode.values().length)];
    }

    /** A place at or near an edge of something. */
    private long edge() {
        long any = random.nextLong(spec.size());
        long unit =
                switch (random.nextInt(4)) {
                    case 0 -> 1;
                    case 1 -> SECTOR;
                    case 2 -> Math.max(SECTOR, spec.clusterSize() / 32);
                    default -> spec.clusterSize();
                };
        long near = random.nextInt(4) == 0 ? (random.nextInt(5) - 2L) * SECTOR : 0;
        return Math.clamp(any / unit * unit + near, 0, spec.size() - 1);
    }

    private int length(long offset) {
        int longest =
                (int) Math.min(Math.min(3L * spec.clusterSize(), 256 << 10), spec.size() - offset);
        return switch (random.nextInt(4)) {
            case 0 -> 1 + random.nextInt(Math.min(longest, 2 * SECTOR));
            case 1 -> Math.min(longest, SECTOR * (1 + random.nextInt(8)));
            case 2 -> Math.min(longest, spec.clusterSize());
            default -> 1 + random.nextInt(longest);
        };
    }

    private Op discard(long offset, int length) {
        long start = offset / SECTOR * SECTOR;
        int size = Math.max(SECTOR, length / SECTOR * SECTOR);
        if (random.nextInt(3) > 0) {
            start = start / spec.clusterSize() * spec.clusterSize();
            size = spec.clusterSize() * (1 + random.nextInt(2));
        }
        return new Op.Discard(start, size);
    }

    private long firstOf(int clusters) {
        return random.nextLong(Math.max(1, spec.size() / spec.clusterSize() - clusters + 1))
                * spec.clusterSize();
    }

    private Op compressed() {
        int clusters = 1 + random.nextInt(3);
        // Text twice as often as noise, which does not become smaller.
        long seed = random.nextLong() << 2 | (random.nextInt(3) == 0 ? 2 : 0);
        return new Op.Compressed(firstOf(clusters), clusters * spec.clusterSize(), seed);
    }

    private Op wholeClusters(boolean stable) {
        int clusters = 1 + random.nextInt(3);
        int length = Math.min(clusters * spec.clusterSize(), 2 << 20);
        return new Op.Write(firstOf(clusters), length, random.nextLong(), stable);
    }

    private Op extra() {
        return switch (random.nextInt(11)) {
            case 0, 1, 2 -> new Op.Take("snap" + snapshots++);
            case 3 -> new Op.Apply(random.nextInt(4));
            case 4 -> new Op.Delete(random.nextInt(4));
            case 5 -> new Op.AddBitmap("bitmap" + bitmaps++, 512L << random.nextInt(8));
            case 6 -> new Op.ClearBitmap(random.nextInt(4));
            case 7 -> random.nextBoolean() ? new Op.RemoveBitmap(0) : new Op.ClearBitmap(0);
            case 8 -> new Op.Resize(SECTOR * (1 + random.nextLong(3 * spec.size() / SECTOR / 2)));
            default -> new Op.Reopen(extras == Extras.CLEAN || random.nextBoolean());
        };
    }
}
