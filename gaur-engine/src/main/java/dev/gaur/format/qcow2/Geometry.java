package dev.gaur.format.qcow2;

/**
 * All address arithmetic of an image: which table and which entry speak for an offset, and how much
 * a table covers. Guest offsets are bytes in the virtual disk, host offsets bytes in the image or
 * data file. Immutable.
 *
 * <p>Source: the specification, "Cluster mapping", "Host cluster management", "Extended L2
 * Entries".
 */
final class Geometry {
    /** 512 bytes; a smaller cluster could not hold the header. */
    static final int CLUSTER_BITS_MIN = 9;

    /** 2 MiB, QEMU's limit. */
    static final int CLUSTER_BITS_MAX = 21;

    /** The unit in which compressed sizes are stored. */
    static final int SECTOR = 512;

    /** How many subclusters a cluster has with extended L2 entries. */
    static final int SUBCLUSTERS = 32;

    /** 4 KiB: what a single read of a table that is not in memory has to load. */
    private static final int SLICE_BITS = 12;

    private final int clusterBits;
    private final boolean extendedL2;
    private final int refcountOrder;
    private final int l2EntryBits;
    private final int l2Bits;
    private final int sliceBits;
    private final int refcountBlockBits;

    /**
     * @param clusterBits 9..21; at least 14 with extended L2 entries
     * @param extendedL2 whether entries have 16 bytes
     * @param refcountOrder 0..6: a count has {@code 1 << refcountOrder} bits
     */
    Geometry(int clusterBits, boolean extendedL2, int refcountOrder) {
        if (clusterBits < CLUSTER_BITS_MIN
                || clusterBits > CLUSTER_BITS_MAX
                || refcountOrder < 0
                || refcountOrder > 6) {
            throw new IllegalArgumentException(
                    "cluster bits " + clusterBits + ", refcount order " + refcountOrder);
        }
        this.clusterBits = clusterBits;
        this.extendedL2 = extendedL2;
        this.refcountOrder = refcountOrder;
        this.l2EntryBits = extendedL2 ? 4 : 3;
        this.l2Bits = clusterBits - l2EntryBits;
        this.sliceBits = Math.min(clusterBits, SLICE_BITS) - l2EntryBits;
        this.refcountBlockBits = clusterBits + 3 - refcountOrder;
    }

    int clusterBits() {
        return clusterBits;
    }

    /** Bytes of a cluster. */
    int clusterSize() {
        return 1 << clusterBits;
    }

    boolean extendedL2() {
        return extendedL2;
    }

    /** Bytes of a subcluster; of a cluster where there are none. */
    int subclusterSize() {
        return extendedL2 ? clusterSize() / SUBCLUSTERS : clusterSize();
    }

    /** Subclusters of a cluster: 32, or 1 where there are none. */
    int subclusters() {
        return extendedL2 ? SUBCLUSTERS : 1;
    }

    /** Which subcluster of its cluster a guest offset lies in. */
    int subclusterIndex(long guestOffset) {
        return offsetInCluster(guestOffset) / subclusterSize();
    }

    /** Bytes of an L2 entry: 8 or 16. */
    int l2EntrySize() {
        return 1 << l2EntryBits;
    }

    /** Entries of an L2 table, which fills one cluster. */
    int l2Entries() {
        return 1 << l2Bits;
    }

    /** Guest bytes that one L2 table maps; at most 2^39. */
    long l2Coverage() {
        return 1L << (l2Bits + clusterBits);
    }

    /**
     * Index into the L1 table; too large for an int only if the offset is beyond any legal size.
     */
    long l1Index(long guestOffset) {
        return guestOffset >>> (l2Bits + clusterBits);
    }

    /** Index of the entry in its L2 table. */
    int l2Index(long guestOffset) {
        return (int) (guestOffset >>> clusterBits) & (l2Entries() - 1);
    }

    /** Entries in a slice, the part of an L2 table that is loaded and cached as one. */
    int sliceEntries() {
        return 1 << sliceBits;
    }

    /** Slices of an L2 table. */
    int slicesPerTable() {
        return 1 << (l2Bits - sliceBits);
    }

    /** Bytes of a slice. */
    int sliceBytes() {
        return 1 << (sliceBits + l2EntryBits);
    }

    /** Number of the slice that maps a guest offset, counted from the first table's first. */
    long sliceNumber(long guestOffset) {
        return guestOffset >>> (sliceBits + clusterBits);
    }

    /** Index in its slice of the entry that maps a guest offset. */
    int sliceIndex(long guestOffset) {
        return (int) (guestOffset >>> clusterBits) & (sliceEntries() - 1);
    }

    /** Index of the L1 entry for a slice. */
    int l1IndexOfSlice(long sliceNumber) {
        return Math.toIntExact(sliceNumber >>> (l2Bits - sliceBits));
    }

    /** Where a slice begins in its L2 table, in bytes. */
    long sliceOffset(long sliceNumber) {
        return (sliceNumber & (slicesPerTable() - 1)) << (sliceBits + l2EntryBits);
    }

    /** First guest byte that an entry of an L2 table maps. */
    long guestOffset(long l1Index, int l2Index) {
        return (l1Index << (l2Bits + clusterBits)) + ((long) l2Index << clusterBits);
    }

    /** How many L1 entries a virtual disk of {@code size} bytes needs. */
    long l1EntriesFor(long size) {
        return divideUp(size, l2Bits + clusterBits);
    }

    /** How many clusters {@code bytes} fill, the last perhaps in part. */
    long clustersFor(long bytes) {
        return divideUp(bytes, clusterBits);
    }

    private static long divideUp(long value, int bits) {
        return (value >>> bits) + ((value & ((1L << bits) - 1)) == 0 ? 0 : 1);
    }

    /** Number of the cluster that an offset (guest or host) lies in. */
    long clusterIndex(long offset) {
        return offset >>> clusterBits;
    }

    /** First byte of a cluster given by number. */
    long clusterOffset(long clusterIndex) {
        return clusterIndex << clusterBits;
    }

    int offsetInCluster(long offset) {
        return (int) offset & (clusterSize() - 1);
    }

    /** First byte of the cluster that an offset lies in. */
    long alignDown(long offset) {
        return offset & -(long) clusterSize();
    }

    /** The offset itself if it is a cluster's first byte, else the next cluster's. */
    long alignUp(long offset) {
        return alignDown(offset + clusterSize() - 1);
    }

    boolean isAligned(long offset) {
        return offsetInCluster(offset) == 0;
    }

    /** Width of a reference count in bits: 1 to 64. */
    int refcountBits() {
        return 1 << refcountOrder;
    }

    int refcountOrder() {
        return refcountOrder;
    }

    /** The largest count that can be stored, as an unsigned number. */
    long refcountMax() {
        return -1L >>> (64 - refcountBits());
    }

    /** Counts in a refcount block, which fills one cluster. */
    int refcountsPerBlock() {
        return 1 << refcountBlockBits;
    }

    /** Index into the refcount table of the block that counts a host cluster. */
    long refcountTableIndex(long clusterIndex) {
        return clusterIndex >>> refcountBlockBits;
    }

    /** Index of a host cluster's count in its block. */
    int refcountBlockIndex(long clusterIndex) {
        return (int) clusterIndex & (refcountsPerBlock() - 1);
    }

    /** Entries of a refcount table in one cluster. */
    int tableEntriesPerCluster() {
        return clusterSize() / Long.BYTES;
    }
}
