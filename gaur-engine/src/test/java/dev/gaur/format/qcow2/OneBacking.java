package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;

/** Has one backing file to give, whatever it is called, and no data file. */
record OneBacking(BlockNode backing) implements ReferenceOpener {
    /** For images that name nothing. */
    static final OneBacking NONE = new OneBacking(ZeroNode.INSTANCE);

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
