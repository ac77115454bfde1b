package dev.gaur.export;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.nbd.Nbd;
import java.util.function.Supplier;

/** What a client may ask about ranges of a disk: a metadata context of the protocol. */
public sealed interface StatusContext {
    /** Where data is and what reads as zeros. */
    StatusContext ALLOCATION = new Allocation();

    /** Which layer of a chain decides. */
    StatusContext DEPTH = new Depth();

    /** Returns its name on the wire. */
    String name();

    /** The protocol's own {@code base:allocation}. */
    record Allocation() implements StatusContext {
        @Override
        public String name() {
            return Nbd.BASE_ALLOCATION;
        }
    }

    /** QEMU's {@code qemu:allocation-depth}. */
    record Depth() implements StatusContext {
        @Override
        public String name() {
            return Nbd.ALLOCATION_DEPTH;
        }
    }

    /**
     * QEMU's {@code qemu:dirty-bitmap:NAME}: what was written to since somebody last looked. As
     * QEMU's it tells what the bitmap has when the client asks: one that follows the writes grows
     * between two questions.
     *
     * @param bitmap the bitmap's name
     * @param content returns its content as it is now; called for each question, by several threads
     *     at once
     * @param start where the export begins on the bitmap's disk; what lies behind the end of that
     *     disk is told to be dirty
     */
    record Dirty(String bitmap, Supplier<DirtyBitmap> content, long start)
            implements StatusContext {
        /** A bitmap of what is exported. */
        public Dirty(String bitmap, Supplier<DirtyBitmap> content) {
            this(bitmap, content, 0);
        }

        @Override
        public String name() {
            return Nbd.DIRTY_BITMAP + bitmap;
        }
    }
}
