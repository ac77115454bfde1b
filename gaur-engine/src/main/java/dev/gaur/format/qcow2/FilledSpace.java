package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;

/**
 * Has the file find place at once for many clusters that will be written whole: ext4 takes a third
 * less time then. The clusters follow each other up to the end of the file, which grows in steps.
 *
 * <p>Locks: its own monitor, held while the file looks for place. Safe for many threads.
 */
final class FilledSpace {
    /** A file that was long before it was opened is not filled at once. */
    private static final long MOST = 32L << 20;

    /** Of larger clusters what nobody has written stays a hole, whatever that takes. */
    private static final int PART_OF_MOST = 128 << 10;

    private final StorageNode file;
    private volatile long end;

    FilledSpace(StorageNode file) {
        this.file = file;
    }

    /**
     * Whether clusters should be covered that are written in part only: past the page cache the
     * file system has to find place for each write, while who made it waits.
     */
    boolean coversParts(Geometry geometry) {
        return geometry.clusterSize() <= PART_OF_MOST && file.isDirect();
    }

    /** Announces that new clusters will be written whole, and probably those behind them. */
    void cover(long hostOffset, long length) {
        if (hostOffset + length > end) {
            announce(hostOffset, hostOffset + length);
        }
    }

    private synchronized void announce(long from, long to) {
        long first = Math.max(from, end);
        if (to > first) {
            long step = Math.min(file.length(), first + MOST);
            long last = Math.max(to, step);
            file.reserve(first, last - first);
            end = last;
        }
    }
}
