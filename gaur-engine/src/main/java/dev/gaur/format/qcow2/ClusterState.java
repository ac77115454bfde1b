package dev.gaur.format.qcow2;

/**
 * What an L2 entry says of one cluster, for who wants to change it. A cluster without subclusters
 * is as one with a single subcluster.
 *
 * @param entry the entry as it stands
 * @param compressed a compressed stream
 * @param placed has a cluster in the file, whatever reads from it
 * @param copied that cluster belongs to this entry alone: it may be changed in place
 * @param allocated a bit for each subcluster whose bytes are those of the file
 * @param zeros a bit for each subcluster that reads as zeros whatever lies below
 */
record ClusterState(
        long entry, boolean compressed, boolean placed, boolean copied, int allocated, int zeros) {

    /** Where its cluster lies, if it is placed. */
    long hostOffset() {
        return L2Entry.hostOffset(entry);
    }

    /** Whether its cluster can be written to. */
    boolean isReusable() {
        return placed && copied && !compressed;
    }

    /** Whether a subcluster's bytes are those of the file. */
    boolean isAllocated(int subcluster) {
        return (allocated >>> subcluster & 1) != 0;
    }

    /** Whether nothing is known of it in this layer. */
    boolean isUnallocated() {
        return !compressed && allocated == 0 && zeros == 0;
    }
}
