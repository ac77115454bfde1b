package dev.gaur.format;

import java.util.Optional;

/**
 * How an image is opened. A format ignores what it has no use for.
 *
 * @param snapshot the id or name of the internal snapshot to read, id first; empty for the active
 *     state
 * @param metadataCacheBytes upper bound for cached mapping tables ({@code l2-cache-size}), or
 *     {@link #AUTO}
 * @param caches the other sizes of caches
 * @param discard what becomes of discards, and of clusters that are given back
 * @param detectZeroes what becomes of written zeros
 * @param lazyRefcounts whether refcounts may be stale on disk while the image is open ({@code
 *     lazy-refcounts}); empty for what the image says
 * @param overlapChecks what a write is checked not to hit ({@code overlap-check})
 */
public record FormatOptions(
        String snapshot,
        long metadataCacheBytes,
        CacheOptions caches,
        DiscardOptions discard,
        DetectZeroes detectZeroes,
        Optional<Boolean> lazyRefcounts,
        OverlapChecks overlapChecks) {
    /** Size the cache by the image, within a stated bound. */
    public static final long AUTO = -1;

    /** The active state, with caches that fit by themselves. */
    public static final FormatOptions DEFAULT = new FormatOptions("", AUTO);

    /** The defaults but for a snapshot and the bound of the cache of mapping tables. */
    public FormatOptions(String snapshot, long metadataCacheBytes) {
        this(
                snapshot,
                metadataCacheBytes,
                CacheOptions.AUTO_SIZED,
                DiscardOptions.DEFAULT,
                DetectZeroes.OFF,
                Optional.empty(),
                OverlapChecks.CACHED);
    }

    /** The same of another internal snapshot. */
    public FormatOptions withSnapshot(String other) {
        return new FormatOptions(
                other,
                metadataCacheBytes,
                caches,
                discard,
                detectZeroes,
                lazyRefcounts,
                overlapChecks);
    }

    /** The same with another bound of the cache of mapping tables. */
    public FormatOptions withMetadataCacheBytes(long other) {
        return new FormatOptions(
                snapshot, other, caches, discard, detectZeroes, lazyRefcounts, overlapChecks);
    }

    /** The same with other sizes of caches. */
    public FormatOptions withCaches(CacheOptions other) {
        return new FormatOptions(
                snapshot,
                metadataCacheBytes,
                other,
                discard,
                detectZeroes,
                lazyRefcounts,
                overlapChecks);
    }

    /** The same with another bound of the data cache for copy-on-write; 0 for none. */
    public FormatOptions withCowCacheBytes(long other) {
        return withCaches(caches.withCowBytes(other));
    }

    /** The same with another fate of discards. */
    public FormatOptions withDiscard(DiscardOptions other) {
        return new FormatOptions(
                snapshot,
                metadataCacheBytes,
                caches,
                other,
                detectZeroes,
                lazyRefcounts,
                overlapChecks);
    }

    /** The same with another fate of written zeros. */
    public FormatOptions withDetectZeroes(DetectZeroes other) {
        return new FormatOptions(
                snapshot, metadataCacheBytes, caches, discard, other, lazyRefcounts, overlapChecks);
    }

    /** The same with refcounts lazy, or not, or as the image says. */
    public FormatOptions withLazyRefcounts(Optional<Boolean> other) {
        return new FormatOptions(
                snapshot, metadataCacheBytes, caches, discard, detectZeroes, other, overlapChecks);
    }

    /** The same with other checks of writes. */
    public FormatOptions withOverlapChecks(OverlapChecks other) {
        return new FormatOptions(
                snapshot, metadataCacheBytes, caches, discard, detectZeroes, lazyRefcounts, other);
    }
}
