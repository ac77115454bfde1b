package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.filter.LentNode;
import dev.gaur.testkit.BlockIoContract;
import org.junit.jupiter.api.Test;

/** An image that stays somebody else's. */
class LentNodeContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        return new LentNode(
                WritableImages.filled(
                        WritableImages.image(WritableImages.options(content), new byte[0]),
                        content));
    }

    @Test
    @Override
    protected void aClosedNodeRefusesToRead() {
        // It stays open for its owner.
    }
}
