package dev.gaur.cli;

import dev.gaur.format.CowUse;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import java.util.List;

/** How the data caches for copy-on-write of some images do, together. */
final class DataCaches {
    private DataCaches() {}

    static CowUse of(List<BlockDevice> disks) {
        CowUse sum = CowUse.NONE;
        for (BlockDevice disk : disks) {
            for (Image layer : disk.layers()) {
                sum = sum.plus(layer.cowUse().orElse(CowUse.NONE));
            }
        }
        return sum;
    }
}
