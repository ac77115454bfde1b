package dev.gaur.export;

import dev.gaur.bitmap.DirtyBitmap;

/**
 * A context that a client has chosen.
 *
 * @param id its number on the wire
 * @param context what it tells
 * @param bitmap the content as it was when chosen; empty if it is no bitmap
 */
record ChosenContext(int id, StatusContext context, DirtyBitmap bitmap) {
    private static final DirtyBitmap NONE = new DirtyBitmap(0, 1);

    static ChosenContext of(int id, StatusContext context) {
        DirtyBitmap bitmap =
                context instanceof StatusContext.Dirty dirty ? dirty.content().get() : NONE;
        return new ChosenContext(id, context, bitmap);
    }
}
