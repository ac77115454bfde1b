package dev.gaur.format;

/**
 * How the data cache for copy-on-write does: the clusters that wait in memory for the rest of their
 * bytes. The counters are not of one moment.
 *
 * @param writes requests, or parts of them, that went into the cache
 * @param readsSaved clusters that came in parts and left without anything being read for them
 * @param bytesSaved bytes that would have been copied for the first write to a cluster, and were
 *     not
 * @param fills clusters for which a rest had to be read
 * @param merges clusters that left in one write with their neighbours
 * @param writeOuts clusters that left
 * @param evictions of these, to make room or because of their age
 * @param bytes memory in use now
 */
public record CowUse(
        long writes,
        long readsSaved,
        long bytesSaved,
        long fills,
        long merges,
        long writeOuts,
        long evictions,
        long bytes) {
    /** Of an image that has no such cache, or made no use of it. */
    public static final CowUse NONE = new CowUse(0, 0, 0, 0, 0, 0, 0, 0);

    /** Of two images together. */
    public CowUse plus(CowUse other) {
        return new CowUse(
                writes + other.writes,
                readsSaved + other.readsSaved,
                bytesSaved + other.bytesSaved,
                fills + other.fills,
                merges + other.merges,
                writeOuts + other.writeOuts,
                evictions + other.evictions,
                bytes + other.bytes);
    }
}
