package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import java.util.Optional;

/**
 * What is known of the counts of an image that is to be changed.
 *
 * @param counts true ones; in memory only as far as a journal is in force
 * @param metadata where metadata lies
 * @param journal what the journal in force says; empty if there is none, and all is in the file
 */
record CountState(Refcounts counts, ClusterSet metadata, Optional<Journal.Noted> journal) {
    /**
     * Reads what a sound file has.
     *
     * @param cacheBytes bound for counts in memory
     */
    static CountState of(StorageNode file, LiveHeader header, Health health, long cacheBytes) {
        Header now = header.get();
        ClusterSet metadata = new ClusterSet();
        Refcounts counts = new Refcounts(file, header, metadata, health, cacheBytes);
        long[] l1 = Tables.readEntries(file, "L1 table", now.l1TableOffset(), now.l1Entries());
        new MetadataPlaces(file, now, metadata).addAll(l1, counts);
        return new CountState(counts, metadata, Optional.empty());
    }
}
