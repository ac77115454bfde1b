package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.testkit.BlockIoContract;

/** An image that is open for writing, with all of its content written. */
class WritableImageContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        return WritableImages.filled(
                WritableImages.image(WritableImages.options(content), new byte[0]), content);
    }
}
