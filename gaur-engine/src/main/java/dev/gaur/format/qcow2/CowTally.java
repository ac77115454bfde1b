package dev.gaur.format.qcow2;

import dev.gaur.format.CowUse;
import java.util.concurrent.atomic.LongAdder;

/** Counts what the cache of copied clusters does, for as long as an image is open. */
final class CowTally {
    final LongAdder writes = new LongAdder();
    final LongAdder readsSaved = new LongAdder();
    final LongAdder bytesSaved = new LongAdder();
    final LongAdder fills = new LongAdder();
    final LongAdder merges = new LongAdder();
    final LongAdder writeOuts = new LongAdder();
    final LongAdder evictions = new LongAdder();
    final LongAdder bytes = new LongAdder();

    /** Notes that a cluster has left. */
    void left(CachedCluster cluster, long copied, boolean merged) {
        writeOuts.increment();
        if (copied > 0) {
            fills.increment();
        } else if (cluster.firstBytes() < cluster.length()) { // Else nothing had to be read.
            readsSaved.increment();
        }
        if (merged) {
            merges.increment();
        }
        bytesSaved.add(Math.max(0, cluster.length() - cluster.firstBytes() - copied));
    }

    /** The counts of the moment. */
    CowUse use() {
        return new CowUse(
                writes.sum(),
                readsSaved.sum(),
                bytesSaved.sum(),
                fills.sum(),
                merges.sum(),
                writeOuts.sum(),
                evictions.sum(),
                bytes.sum());
    }
}
