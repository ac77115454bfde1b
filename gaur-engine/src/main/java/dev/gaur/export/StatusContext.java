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
     * QEMU's {@code qemu:dirty-bitmap:NAME}: what was written to since somebody last looked.
     *
     * @param bitmap the bitmap's name
     * @param content returns its content when a client chooses the context; the client sees that
     *     for as long as it is connected
     */
    record Dirty(String bitmap, Supplier<DirtyBitmap> content) implements StatusContext {
        @Override
        public String name() {
            return Nbd.DIRTY_BITMAP + bitmap;
        }
    }
}
