package dev.gaur.format.qcow2;

/**
 * The bits of an L1 entry, of an L2 entry and of its subcluster bitmap. Static: entries stay plain
 * longs in their tables, so that the hot path makes no object.
 *
 * <p>Source: the specification, "L1 table entry", "L2 table entry", "Compressed Clusters
 * Descriptor", "Extended L2 Entries".
 */
final class L2Entry {
    /** Bits 9-55: the host offset in L1 entries and in standard descriptors. */
    static final long OFFSET_MASK = 0x00ff_ffff_ffff_fe00L;

    /** Bit 63: the refcount is exactly one. */
    static final long COPIED = 1L << 63;

    /** Bit 62: a compressed cluster descriptor. */
    static final long COMPRESSED = 1L << 62;

    /** Bit 0 of a standard descriptor without subclusters: reads as zeros. */
    static final long ZERO = 1;

    /** Bits that must be zero in an L1 entry. */
    static final long L1_RESERVED = 0x7f00_0000_0000_01ffL;

    /** Bits that must be zero in a standard descriptor (bit 0 is ZERO or ignored). */
    static final long STANDARD_RESERVED = 0x3f00_0000_0000_01feL;

    /** A bitmap whose 32 subclusters all read as zeros. */
    static final long ALL_SUBCLUSTERS_ZERO = 0xffff_ffff_0000_0000L;

    /** A bitmap whose 32 subclusters are all allocated. */
    static final long ALL_SUBCLUSTERS_ALLOCATED = 0x0000_0000_ffff_ffffL;

    /** What an entry says of its cluster, subclusters left aside. */
    enum Kind {
        /** Nothing: the backing file decides. */
        UNALLOCATED,
        /** Data at a host offset. */
        NORMAL,
        /** Zeros without a place in the file. */
        ZERO_PLAIN,
        /** Zeros with space reserved, whose bytes must not be shown. */
        ZERO_ALLOCATED,
        /** A compressed stream. */
        COMPRESSED
    }

    private L2Entry() {}

    /** The host offset of an L1 entry or of a standard descriptor. */
    static long hostOffset(long entry) {
        return entry & OFFSET_MASK;
    }

    static boolean isCopied(long entry) {
        return entry < 0;
    }

    static boolean isCompressed(long entry) {
        return (entry & COMPRESSED) != 0;
    }

    /**
     * Classifies an entry in the specification's order.
     *
     * @param extendedL2 bit 0 has no meaning then
     * @param dataFile with an external data file, offset 0 is a place if COPIED is set
     */
    static Kind kind(long entry, boolean extendedL2, boolean dataFile) {
        if (isCompressed(entry)) {
            return Kind.COMPRESSED;
        }
        boolean placed = hostOffset(entry) != 0;
        if (!extendedL2 && (entry & ZERO) != 0) {
            return placed ? Kind.ZERO_ALLOCATED : Kind.ZERO_PLAIN;
        }
        return placed || (dataFile && isCopied(entry)) ? Kind.NORMAL : Kind.UNALLOCATED;
    }

    /** Whether the guest sees something of what lies at a standard descriptor's place. */
    static boolean holdsData(long entry, long bitmap, boolean extendedL2) {
        return extendedL2 ? (bitmap & ALL_SUBCLUSTERS_ALLOCATED) != 0 : (entry & ZERO) == 0;
    }

    /** Host byte offset of a compressed stream; any alignment. */
    static long compressedOffset(long entry, int clusterBits) {
        return entry & ((1L << compressedOffsetBits(clusterBits)) - 1);
    }

    /**
     * Bytes from a compressed stream's first byte to the end of its last sector: an upper bound of
     * its length, which is not stored.
     */
    static int compressedBytes(long entry, int clusterBits) {
        int offsetBits = compressedOffsetBits(clusterBits);
        int moreSectors = (int) ((entry & (COMPRESSED - 1)) >>> offsetBits);
        long inSector = compressedOffset(entry, clusterBits) & (Geometry.SECTOR - 1);
        return (int) ((moreSectors + 1L) * Geometry.SECTOR - inSector);
    }

    /** Makes a compressed descriptor. */
    static long compressed(long hostOffset, int length, int clusterBits) {
        long moreSectors =
                (hostOffset + length - 1) / Geometry.SECTOR - hostOffset / Geometry.SECTOR;
        return COMPRESSED | moreSectors << compressedOffsetBits(clusterBits) | hostOffset;
    }

    /** The highest host offset at which a compressed stream may end. */
    static long compressedOffsetMax(int clusterBits) {
        return Math.min(1L << compressedOffsetBits(clusterBits), 1L << 56);
    }

    /** How many low bits of a compressed descriptor hold the offset. */
    static int compressedOffsetBits(int clusterBits) {
        return 62 - (clusterBits - 8);
    }

    /** Makes a subcluster bitmap of a bit for each allocated and each zero subcluster. */
    static long bitmap(int allocated, int zeros) {
        return Integer.toUnsignedLong(allocated) | (long) zeros << Geometry.SUBCLUSTERS;
    }

    /** Whether subcluster {@code index} is allocated. */
    static boolean isAllocated(long bitmap, int index) {
        return (bitmap >>> index & 1) != 0;
    }

    /** Whether subcluster {@code index} reads as zeros. */
    static boolean isZero(long bitmap, int index) {
        return (bitmap >>> (Geometry.SUBCLUSTERS + index) & 1) != 0;
    }

    /** How many subclusters from {@code index} on are in the same state as that one. */
    static int sameSubclusters(long bitmap, int index) {
        long allocated = bitmap & ALL_SUBCLUSTERS_ALLOCATED;
        long zero = bitmap >>> Geometry.SUBCLUSTERS;
        long same =
                isAllocated(bitmap, index)
                        ? allocated
                        : isZero(bitmap, index) ? zero : ~(allocated | zero);
        int run = Long.numberOfTrailingZeros(~(same >>> index));
        return Math.min(run, Geometry.SUBCLUSTERS - index);
    }

    /**
     * Whether a bitmap contradicts itself or its descriptor: a subcluster both allocated and zero,
     * or one allocated in a cluster without a place.
     */
    static boolean isInvalid(long bitmap, boolean placed) {
        long allocated = bitmap & ALL_SUBCLUSTERS_ALLOCATED;
        return (allocated & bitmap >>> Geometry.SUBCLUSTERS) != 0 || (allocated != 0 && !placed);
    }
}
