package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.testkit.BlockIoContract;

/** An image with subclusters that is open for writing. */
class WritableSubclustersContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        Qcow2CreateOptions all =
                WritableImages.options(content).withClusterSize(16384).withExtendedL2(true);
        return WritableImages.filled(WritableImages.image(all, new byte[0]), content);
    }
}
