package dev.gaur.format;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.Reference;

/**
 * Opens what an image names, after the policy let it pass. The image owns what it gets from then
 * on.
 */
public interface ReferenceOpener {
    /**
     * Opens a backing file; its end is the image's business.
     *
     * @throws dev.gaur.block.BlockException.Denied if the policy forbids it
     */
    BlockNode backing(Reference reference);

    /** Opens an external data file. */
    StorageNode dataFile(Reference reference);
}
