package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.format.Image;
import dev.gaur.testkit.BlockIoContract;
import java.lang.foreign.MemorySegment;

/** An overlay that has a part of each other cluster, open for writing. */
class WritableOverlayContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        Image image =
                WritableImages.image(
                        WritableImages.options(content).withBacking("base", "raw"), content);
        MemorySegment bytes = MemorySegment.ofArray(content);
        for (long at = 0;
                at + WritableImages.CLUSTER <= content.length;
                at += 2 * WritableImages.CLUSTER) {
            image.write(at, bytes.asSlice(at, WritableImages.CLUSTER / 2), Durability.CACHED);
        }
        return image;
    }
}
