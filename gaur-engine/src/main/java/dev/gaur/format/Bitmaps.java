package dev.gaur.format;

import dev.gaur.bitmap.DirtyBitmap;
import java.util.List;

/**
 * The persistent dirty bitmaps of an image. Changing them needs an image open for writing. Changes
 * are stable when the image was closed; until then the file has its bitmaps marked as in use, so
 * that after a crash none claims less than what was written. A bitmap that is in use when the image
 * is opened, or broken, can only be removed.
 *
 * <p>Names are at most 1023 bytes of UTF-8. A name that no bitmap has is {@link
 * dev.gaur.block.BlockException.Media} with ENOENT; whatever the bitmap's state forbids is {@link
 * dev.gaur.block.BlockException.Denied}. Safe for many threads; a change waits for requests that
 * are under way, and those that come wait for it.
 */
public interface Bitmaps {
    /** The finest granularity. */
    long GRANULARITY_MIN = 1L << 9;

    /** The coarsest granularity. */
    long GRANULARITY_MAX = 1L << 31;

    /** Returns all, broken ones too, in the image's order. */
    List<BitmapInfo> list();

    /** Returns the granularity that a bitmap has unless somebody chooses: the image decides. */
    long defaultGranularity();

    /**
     * Adds an empty bitmap.
     *
     * @param granularity bytes for each bit: a power of two, 512 to 2^31
     * @param enabled follows every write from now on
     * @throws dev.gaur.block.BlockException.Unsupported if the image can have no bitmaps, or not
     *     this one: too many, too long a name, too many bits
     */
    void add(String name, long granularity, boolean enabled);

    /** Removes a bitmap, whatever its state; of two with one name the broken one. */
    void remove(String name);

    /** Forgets what is dirty. */
    void clear(String name);

    /** Makes it follow every write, or no more. */
    void enable(String name, boolean enabled);

    /** Marks all that is dirty in {@code source}, which belongs to a disk of the same size. */
    void merge(String target, DirtyBitmap source);

    /** Returns a copy of a bitmap's content. */
    DirtyBitmap copyOf(String name);

    /**
     * Returns a bitmap's content to look at, not to change. What is written while it is looked at
     * may appear in it; what was written before is there. A change of the bitmap or of the disk's
     * size may leave it behind: who looks again later asks again, which costs nothing.
     */
    DirtyBitmap contentOf(String name);
}
