package dev.gaur.cli.figures;

import dev.gaur.storage.CacheMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * What a run shall do.
 *
 * @param folder where its images are made, in a folder of their own
 * @param seconds after which nothing more begins
 * @param space bytes that all files together may take up
 * @param rounds through all measurements, if time suffices
 * @param quick for a look and for tests: as little of everything as makes a figure
 * @param cases what to measure: words as {@link Selection} has them; empty for all
 * @param caches cache modes of the images
 * @param ways keys of the ways to take
 * @param command as the user called it
 */
public record Settings(
        Path folder,
        long seconds,
        long space,
        int rounds,
        boolean quick,
        List<String> cases,
        List<CacheMode> caches,
        Set<String> ways,
        String command) {
    /** What {@code ways} may have. */
    public static final List<String> WAYS = List.of("api", "nbd", "qemu");

    /** The least that makes sense as {@code space}. */
    public static final long SPACE_MIN = 128L << 20;

    private static final List<String> QUICK_CASES =
            List.of(
                    "small/read-4k-random",
                    "cliff",
                    "cow/4k/over-raw",
                    "cow/4k-random/snapshot",
                    "preallocation/64k/metadata");

    /** As many disks, some twice as large with what lies below, are there at a time. */
    private static final int DISKS = 32;

    private static final long QUICK_SPAN = 2L << 20;
    private static final int QUICK_PLACES = 512;

    /** With 4k four times what the data cache holds; with 64k all that fits a disk. */
    private static final int DIRECT_PLACES = 1 << 14;

    private static final int PLACES = 1 << 16;
    private static final int SPREAD_PLACES = 1 << 14;
    private static final int SPACE_OF_PLACE = 128 << 10;
    private static final long AGAIN_NANOS = 300_000_000;

    /** Bytes of each disk that are written, a power of 2. */
    long span() {
        return quick ? QUICK_SPAN : Long.highestOneBit(space / DISKS);
    }

    /** Returns the cases to choose from; none for all. */
    List<String> chosen() {
        return quick && cases.isEmpty() ? QUICK_CASES : cases;
    }

    /** How many places a pass has at most. */
    int mostPlaces() {
        return quick ? QUICK_PLACES : PLACES;
    }

    /** The same for requests one by one, of which a disk without a page cache does few. */
    int mostPlacesOneByOne(CacheMode cache) {
        return cache.direct() ? Math.min(mostPlaces(), DIRECT_PLACES) : mostPlaces();
    }

    /** How many blocks of data a large disk has. */
    int spreadPlaces() {
        return quick ? QUICK_PLACES : (int) Math.min(SPREAD_PLACES, space / SPACE_OF_PLACE);
    }

    /** How long passes are repeated at least. */
    long againNanos() {
        return quick ? 0 : AGAIN_NANOS;
    }
}
