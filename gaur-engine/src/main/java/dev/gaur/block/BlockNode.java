package dev.gaur.block;

/**
 * A {@link BlockIo} with a name and a life. Closing releases what the node holds, its children
 * included; calls after it fail. An image that was changed first writes out what only memory has,
 * and throws if it cannot, or if a failure before has ended all changes: what no flush has called
 * stable may be lost. Others flush nothing. Closing twice does nothing, whatever the first time
 * threw.
 */
public sealed interface BlockNode extends BlockIo, AutoCloseable
        permits StorageNode, FormatNode, FilterNode {
    /** Returns what messages call the node: the file name as the user or the image gave it. */
    String name();

    /** Tells whether the node was opened for writing. */
    boolean writable();

    /** Returns what requests have to respect. */
    Limits limits();

    @Override
    void close();
}
