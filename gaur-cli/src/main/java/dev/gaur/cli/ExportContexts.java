package dev.gaur.cli;

import dev.gaur.export.StatusContext;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What clients may ask about an image that is exported.
 *
 * @param disk the image
 * @param start where the exported part begins
 */
record ExportContexts(BlockDevice disk, long start) {
    /** Returns where data is, and which layer decides if that is wanted. */
    static List<StatusContext> basic(boolean depth) {
        List<StatusContext> contexts = new ArrayList<>();
        contexts.add(StatusContext.ALLOCATION);
        if (depth) {
            contexts.add(StatusContext.DEPTH);
        }
        return contexts;
    }

    /** Returns all bitmaps of the image that are sound. */
    List<StatusContext> soundBitmaps() {
        List<StatusContext> contexts = new ArrayList<>();
        Bitmaps bitmaps = disk.image().bitmaps().orElse(null);
        if (bitmaps != null) {
            for (BitmapInfo bitmap : bitmaps.list()) {
                if (!bitmap.isUnusable()) {
                    contexts.add(context(bitmaps, bitmap.name()));
                }
            }
        }
        return contexts;
    }

    /**
     * Finds a bitmap in the image or, if it has none of that name, in the layers below.
     *
     * @throws CommandException in qemu-nbd's words, if there is none or it is not sound
     */
    StatusContext bitmap(String name) {
        for (Image layer : disk.layers()) {
            Bitmaps bitmaps = layer.bitmaps().orElse(null);
            BitmapInfo found = bitmaps == null ? null : find(bitmaps, name);
            if (bitmaps == null || found == null) {
                continue;
            }
            if (found.isUnusable()) {
                throw new CommandException(
                        "Bitmap '" + name + "' is inconsistent and cannot be used");
            }
            return context(bitmaps, name);
        }
        throw new CommandException("Bitmap '" + name + "' is not found");
    }

    private static @Nullable BitmapInfo find(Bitmaps bitmaps, String name) {
        for (BitmapInfo bitmap : bitmaps.list()) {
            if (bitmap.name().equals(name)) {
                return bitmap;
            }
        }
        return null;
    }

    private StatusContext context(Bitmaps bitmaps, String name) {
        return new StatusContext.Dirty(name, () -> bitmaps.contentOf(name), start);
    }
}
