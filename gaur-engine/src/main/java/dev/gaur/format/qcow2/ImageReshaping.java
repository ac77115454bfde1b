package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Amending;
import dev.gaur.format.Amendment;
import dev.gaur.format.Preallocation;
import dev.gaur.format.Resizing;
import dev.gaur.format.qcow2.ImageSnapshots.Alone;
import java.util.function.LongConsumer;

/**
 * Changes of what an image is, and of its size.
 *
 * @param alone runs them while no request is under way
 * @param requireResizable throws if the disk cannot get a size
 */
record ImageReshaping(
        StorageNode data,
        BlockNode backing,
        CompressedClusters compressed,
        Alone alone,
        LongConsumer requireResizable)
        implements Amending, Resizing {

    @Override
    public void amend(Amendment changes) {
        alone.run(
                false,
                image -> {
                    changes.size().ifPresent(requireResizable::accept);
                    new ImageAmender(image, data, backing, compressed).amend(changes);
                    return changes;
                });
    }

    @Override
    public void resize(long newLength, Preallocation preallocation) {
        alone.run(
                false,
                image -> {
                    requireResizable.accept(newLength);
                    var resizer = new ImageResizer(image, data, backing, compressed);
                    resizer.resize(newLength, preallocation);
                    return newLength;
                });
    }
}
