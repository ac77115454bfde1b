package dev.gaur.format.qcow2;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import org.jspecify.annotations.Nullable;

/**
 * One bitmap of an image that is being changed. Its bits are those that the file has of it and
 * those set since then: what the file has is read only when somebody asks for it.
 *
 * <p>Not safe for many threads, but {@link #changes} may be set by any while nobody replaces it.
 */
final class StoredBitmap {
    private static final long[] NOTHING = {};

    private final StorageNode file;
    private final @Nullable BitmapEntry entry;
    private final byte[] name;
    private final int granularityBits;
    private final String problem;
    private final long[] table;
    private final boolean owned;
    private boolean enabled;
    private boolean based;
    private DirtyBitmap changes;

    private StoredBitmap(
            StorageNode file,
            @Nullable BitmapEntry entry,
            byte[] name,
            int granularityBits,
            String problem,
            long[] table,
            boolean owned,
            boolean enabled,
            DirtyBitmap changes) {
        this.file = file;
        this.entry = entry;
        this.name = name;
        this.granularityBits = granularityBits;
        this.problem = problem;
        this.table = table;
        this.owned = owned;
        this.enabled = enabled;
        this.based = entry != null;
        this.changes = changes;
    }

    /** Makes an empty bitmap, which the file does not have. */
    static StoredBitmap fresh(
            StorageNode file, byte[] name, int granularityBits, boolean enabled, long diskBytes) {
        DirtyBitmap changes = new DirtyBitmap(diskBytes, 1L << granularityBits);
        return new StoredBitmap(
                file, null, name, granularityBits, "", NOTHING, false, enabled, changes);
    }

    /**
     * Makes a bitmap as the file has it.
     *
     * @param problem why it can only be removed, empty if nothing is wrong
     * @param table empty if it cannot be read
     * @param owned whether the clusters of the table and those that it names are its own
     */
    static StoredBitmap of(
            StorageNode file,
            BitmapEntry entry,
            String problem,
            long[] table,
            boolean owned,
            long diskBytes) {
        boolean usable = problem.isEmpty() && !entry.inUse();
        DirtyBitmap changes =
                usable ? new DirtyBitmap(diskBytes, entry.granularity()) : new DirtyBitmap(0, 1);
        return new StoredBitmap(
                file,
                entry,
                entry.name(),
                entry.granularityBits(),
                problem,
                table,
                owned,
                entry.auto(),
                changes);
    }

    /** The entry of the file's directory, if there is one. */
    @Nullable BitmapEntry entry() {
        return entry;
    }

    byte[] name() {
        return name;
    }

    String text() {
        return Header.text(name);
    }

    int granularityBits() {
        return granularityBits;
    }

    /** Whether its content is known. */
    boolean isUsable() {
        return !info().isUnusable();
    }

    /** Whether it follows every write. */
    boolean isTracking() {
        return enabled && isUsable();
    }

    BitmapInfo info() {
        return entry == null
                ? new BitmapInfo(text(), 1L << granularityBits, false, enabled)
                : new BitmapInfo(text(), entry.granularity(), entry.inUse(), enabled, problem);
    }

    /** Throws, in QEMU's words, if it can only be removed. */
    void requireUsable() {
        if (!problem.isEmpty()) {
            throw new BlockException.Denied(
                    file.name(),
                    "",
                    "Bitmap '%s' is broken (%s) and can only be removed"
                            .formatted(text(), problem));
        }
        if (entry != null && entry.inUse()) {
            throw inconsistent(file.name(), text());
        }
    }

    /** The refusal, in QEMU's words, to use a bitmap that was not stored in time. */
    static BlockException inconsistent(String image, String name) {
        return new BlockException.Denied(
                image,
                "",
                "Bitmap '%s' is inconsistent and cannot be used\n".formatted(name)
                        + "Try block-dirty-bitmap-remove to delete this bitmap from disk");
    }

    void setEnabled(boolean on) {
        enabled = on;
    }

    boolean isEnabled() {
        return enabled;
    }

    /** What was set since the file's content, or all there is if that does not count any more. */
    DirtyBitmap changes() {
        return changes;
    }

    /** Whether the bits that the file has of it are still set. */
    boolean isBased() {
        return based;
    }

    /** The file's table; empty if there is none. */
    long[] table() {
        return table;
    }

    /** Whether the clusters of the file's table, and those it names, are its own. */
    boolean isOwned() {
        return owned;
    }

    /** Whether the file's table says all. */
    boolean isUnchanged() {
        return based && changes.nextBit(true, 0) == changes.bits();
    }

    /** Unsets all bits. */
    void clear() {
        based = false;
        changes = new DirtyBitmap(changes.length(), changes.granularity());
    }

    /** Returns a copy of all bits. */
    DirtyBitmap content(Geometry geometry) {
        DirtyBitmap all = changes.resized(changes.length());
        if (based) {
            BitmapTable.load(file, geometry, table, all);
        }
        return all;
    }

    /** Brings to memory what the file has of it, while anybody may set bits. */
    void load(Geometry geometry) {
        if (based) {
            BitmapTable.load(file, geometry, table, changes);
            based = false;
        }
    }

    /** Fits it to another size of the disk. */
    void resize(Geometry geometry, long diskBytes) {
        changes = content(geometry).resized(diskBytes);
        based = false;
    }
}
