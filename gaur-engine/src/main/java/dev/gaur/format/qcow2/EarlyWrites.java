package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;

/**
 * Has new clusters start on their way to the disk while more are written, where flushes are near:
 * else the disk would idle until the flush, and the flush wait for all of it. Who does not flush,
 * or seldom, is left to the system, which knows better.
 *
 * <p>Locks: its own monitor, not held during requests.
 */
final class EarlyWrites {
    /** What goes at once; less is left to the flush. */
    private static final long PIECE = 1L << 20;

    /** Flushes that come after more than this are not near. */
    private static final long NEAR = 128L << 20;

    private final StorageNode data;
    private boolean near;
    private long sinceFlush;
    private long from;
    private long end;

    EarlyWrites(StorageNode data) {
        this.data = data;
    }

    /** Says that a range was written. */
    void written(long hostOffset, long length) {
        long start;
        long count;
        synchronized (this) {
            sinceFlush += length;
            if (hostOffset != end) {
                from = hostOffset;
            }
            end = hostOffset + length;
            start = from;
            count = end - from;
            if (!near || sinceFlush > NEAR || count < PIECE) {
                return;
            }
            from = end;
        }
        data.startWriting(start, count);
    }

    /** Says that a flush begins. */
    synchronized void flushing() {
        near = sinceFlush <= NEAR;
        sinceFlush = 0;
    }
}
