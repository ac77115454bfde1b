package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.codec.Compression;
import dev.gaur.filter.CompressAll;
import dev.gaur.format.Image;
import dev.gaur.testkit.BlockIoContract;

/** All was written through the filter that compresses. */
class CompressAllContractTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        Image image =
                WritableImages.image(
                        WritableImages.options(content).withCompression(Compression.ZSTD),
                        new byte[0]);
        return WritableImages.filled(
                new CompressAll(image, image.compressing().orElseThrow()), content);
    }
}
