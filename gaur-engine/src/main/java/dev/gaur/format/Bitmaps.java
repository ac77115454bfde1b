package dev.gaur.format;

import dev.gaur.bitmap.DirtyBitmap;
import java.util.List;

/**
 * The persistent dirty bitmaps of an image opened for writing. Changes are stable when the image is
 * closed; until then the file has its bitmaps marked as in use.
 */
public interface Bitmaps {
    /** Returns all, broken ones too, in the image's order. */
    List<BitmapInfo> list();

    /**
     * Adds an empty bitmap.
     *
     * @param granularity bytes for each bit: a power of two, 512 to 2^31
     * @param enabled follows every write from now on
     */
    void add(String name, long granularity, boolean enabled);

    /** Removes a bitmap, whatever its state. */
    void remove(String name);

    /** Forgets what is dirty. */
    void clear(String name);

    /** Makes it follow every write, or no more. */
    void enable(String name, boolean enabled);

    /** Marks all that is dirty in {@code source}, which belongs to a disk of the same size. */
    void merge(String target, DirtyBitmap source);

    /** Returns a copy of a bitmap's content. */
    DirtyBitmap copyOf(String name);
}
