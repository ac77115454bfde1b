package dev.gaur.format;

import dev.gaur.block.BlockNode;
import dev.gaur.block.FormatNode;
import java.util.Optional;

/** An opened image: the virtual disk, and what its format knows about it. */
public interface Image extends FormatNode {
    /** Returns what the image says of itself; a snapshot of the moment of the call. */
    ImageInfo info();

    /** Returns the storage-holding layer below, or endless zeros if there is none. */
    BlockNode backing();

    /** Returns the checker, if the format has one. */
    Optional<Checker> checker();

    /** Returns the internal snapshots to change, if the image is open for writing and has them. */
    default Optional<Snapshots> snapshots() {
        return Optional.empty();
    }

    /** Returns the dirty bitmaps, if the format has them; perhaps there are none. */
    default Optional<Bitmaps> bitmaps() {
        return Optional.empty();
    }

    /** Returns compressed writes, if the image is open for writing and has them. */
    default Optional<Compressing> compressing() {
        return Optional.empty();
    }

    /** Returns how to change the size, if the image is open for writing and can. */
    default Optional<Resizing> resizing() {
        return Optional.empty();
    }

    /**
     * Returns how to change the backing file, if the image is open for writing and can have one.
     */
    default Optional<Rebasing> rebasing() {
        return Optional.empty();
    }

    /** Returns how to drop the content, if the image is open for writing and can. */
    default Optional<Emptying> emptying() {
        return Optional.empty();
    }

    /** Returns how the cache of mapping tables does, if the image has one. Never blocks. */
    default Optional<CacheUse> cacheUse() {
        return Optional.empty();
    }

    /**
     * Looks at how the disk is mapped, if the format has tables for that. Reads a bounded part of
     * them, and nothing of what the image names.
     *
     * @param below how many bytes of the disk lie over a backing file
     */
    default Optional<MappingReport> mapping(long below) {
        return Optional.empty();
    }

    /**
     * Gives up cached tables that were not used for as long as the image was told. Requests see to
     * that by themselves; this is for who knows that there are none. Cheap if nothing is due.
     */
    default void trimCaches() {
        // Most formats have no cache.
    }

    /** Returns how the data cache for copy-on-write does, if the image has one. Never blocks. */
    default Optional<CowUse> cowUse() {
        return Optional.empty();
    }

    /** Returns the area for VM state, if the image has one. */
    default Optional<VmState> vmState() {
        return Optional.empty();
    }

    /** Returns how to change what the image is, if the image is open for writing and can. */
    default Optional<Amending> amending() {
        return Optional.empty();
    }
}
