package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;

/** Has one backing file to give, whatever it is called, and no data file. */
record OneBacking(BlockNode backing) implements ReferenceOpener {
    /** For images that name nothing. */
    static final OneBacking NONE = new OneBacking(ZeroNode.INSTANCE);

    /** Opens an image, which closes what it is given. */
    Image open(StorageNode storage) {
        return Qcow2Format.INSTANCE.open(storage, FormatOptions.DEFAULT, this);
    }

    @Override
    public BlockNode backing(Reference reference) {
        if (backing == ZeroNode.INSTANCE) {
            throw new AssertionError(reference.toString());
        }
        return backing;
    }

    @Override
    public StorageNode dataFile(Reference reference) {
        throw new AssertionError(reference.toString());
    }
}
