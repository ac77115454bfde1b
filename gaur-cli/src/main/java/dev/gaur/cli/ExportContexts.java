package dev.gaur.cli;

import dev.gaur.export.StatusContext;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.graph.BlockDevice;
import java.util.ArrayList;
import java.util.List;

/** What clients may ask about an image that is exported. */
final class ExportContexts {
    private ExportContexts() {}

    /** Returns where data is, which layer decides, and all bitmaps of the image that are sound. */
    static List<StatusContext> of(BlockDevice disk) {
        List<StatusContext> contexts = new ArrayList<>();
        contexts.add(StatusContext.ALLOCATION);
        contexts.add(StatusContext.DEPTH);
        Bitmaps bitmaps = disk.image().bitmaps().orElse(null);
        if (bitmaps != null) {
            for (BitmapInfo bitmap : bitmaps.list()) {
                String name = bitmap.name();
                if (!bitmap.isUnusable()) {
                    contexts.add(new StatusContext.Dirty(name, () -> bitmaps.copyOf(name)));
                }
            }
        }
        return contexts;
    }
}
