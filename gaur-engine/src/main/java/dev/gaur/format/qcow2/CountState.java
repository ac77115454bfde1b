package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import java.util.Optional;

/**
 * What is known of the counts of an image that is to be changed.
 *
 * @param header of a sound image: but for counts and flags that the journal gives
 * @param health of the image; not failed yet
 * @param counts true ones; in memory only as far as a journal is in force
 * @param metadata where metadata lies
 * @param journal what the journal in force says; empty if there is none, and all is in the file
 */
record CountState(
        LiveHeader header,
        Health health,
        Refcounts counts,
        ClusterSet metadata,
        Optional<Journal.Noted> journal) {
    /** Reads what a sound file has. */
    static CountState of(
            StorageNode file, LiveHeader header, Health health, FormatOptions options) {
        long cacheBytes = CacheSizes.of(options, header.get()).countBytes();
        Header now = header.get();
        ClusterSet metadata = new ClusterSet();
        Refcounts counts = new Refcounts(file, header, metadata, health, cacheBytes);
        long[] l1 = Tables.readEntries(file, "L1 table", now.l1TableOffset(), now.l1Entries());
        new MetadataPlaces(file, now, metadata).addAll(l1, counts);
        return new CountState(header, health, counts, metadata, Optional.empty());
    }
}
