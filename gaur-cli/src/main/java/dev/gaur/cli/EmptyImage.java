package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.Extent;
import dev.gaur.codec.Compression;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.graph.BlockDevice;

/** An image that somebody has created for us to fill: it has nothing but a header. */
final class EmptyImage {
    private EmptyImage() {}

    /**
     * Finds out how the image was created.
     *
     * @throws CommandException if it has anything that writing it anew would lose
     */
    static Qcow2CreateOptions options(String file) {
        try (BlockDevice device = Disks.open(file, CreateFormats.QCOW2)) {
            ImageInfo info = device.image().info();
            boolean[] empty = {true};
            device.extents(
                    0, device.length(), extent -> empty[0] = extent instanceof Extent.Unallocated);
            boolean bare =
                    info.snapshots().isEmpty()
                            && info.bitmaps().isEmpty()
                            && info.backing().isEmpty()
                            && info.dataFile().isEmpty();
            if (!empty[0] || !bare) {
                throw new CommandException(
                        "writing into an image with content, snapshots, bitmaps, a backing file or"
                                + " a data file is not supported yet");
            }
            return switch (info.details()) {
                case ImageInfo.Qcow2 details ->
                        Qcow2CreateOptions.ofSize(info.virtualSize())
                                .withVersion(details.version())
                                .withClusterSize(info.clusterSize())
                                .withRefcountBits(details.refcountBits())
                                .withExtendedL2(details.extendedL2())
                                .withLazyRefcounts(details.lazyRefcounts())
                                .withCompression(
                                        Compression.ofOptionValue(details.compression())
                                                .orElseThrow());
                case ImageInfo.Raw _ -> throw new AssertionError("opened as qcow2");
            };
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(file, failure, 1);
        }
    }
}
