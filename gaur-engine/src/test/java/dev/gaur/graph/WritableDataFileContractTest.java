package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.testkit.BlockIoContract;

/** An image with a data file, open for writing. */
class WritableDataFileContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        return WritableImages.filled(
                WritableImages.image(
                        WritableImages.options(content).withDataFile("data", true), new byte[0]),
                content);
    }
}
