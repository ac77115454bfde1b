package dev.gaur.block;

/** Where bytes lie: a file, a block device, memory; later an NBD server. */
public non-sealed interface StorageNode extends BlockNode {
    /** Returns the bytes that the storage really takes up (blocks of a sparse file). */
    long allocatedBytes();

    /** Makes the storage {@code newLength} bytes long; new bytes read as zeros. */
    void resize(long newLength);
}
