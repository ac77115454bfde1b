package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.filter.CopyOnRead;
import dev.gaur.format.Image;
import dev.gaur.testkit.BlockIoContract;

/** An empty overlay below the filter that keeps what is read. */
class CopyOnReadContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        Image image =
                WritableImages.image(
                        WritableImages.options(content).withBacking("base", "raw"), content);
        return new CopyOnRead(image, WritableImages.CLUSTER);
    }
}
