package dev.gaur.format;

/**
 * How an image's tables map its disk, and what they need of a cache. Numbers of clusters are of the
 * whole disk; if not all tables were looked at, they are estimates.
 *
 * @param exact whether all tables were looked at
 * @param own clusters of data, or with a place, that belong to the active state alone
 * @param shared clusters with a place that snapshots have, too: the next write copies them
 * @param compressed compressed clusters: the next write copies them, too
 * @param zeros clusters that read as zeros and have no data
 * @param below clusters without anything here, over a backing file: the next write copies what lies
 *     there
 * @param empty clusters without anything here or below
 * @param broken clusters whose entry is illegal or cannot be read
 * @param runs pieces of the file in which the data lies: within one, each cluster lies where the
 *     one ends that comes before it on the disk
 * @param data clusters of data, of which these pieces are made
 * @param tableBytes what the tables take up in the file
 * @param cacheBytes what a cache of all of them takes now
 * @param cacheBytesMost what it would take if nothing in them were in sequence
 * @param cacheBound bound of the cache if nobody gives another one
 */
public record MappingReport(
        boolean exact,
        long own,
        long shared,
        long compressed,
        long zeros,
        long below,
        long empty,
        long broken,
        long runs,
        long data,
        long tableBytes,
        long cacheBytes,
        long cacheBytesMost,
        long cacheBound) {
    /** All clusters of the disk. */
    public long clusters() {
        return own + shared + compressed + zeros + below + empty + broken;
    }
}
