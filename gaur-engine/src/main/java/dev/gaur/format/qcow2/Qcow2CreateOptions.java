package dev.gaur.format.qcow2;

import dev.gaur.codec.Compression;
import dev.gaur.format.Preallocation;

/**
 * What a new qcow2 image shall be. Immutable; start at {@link #ofSize} and change what matters:
 *
 * {@snippet :
 * Qcow2CreateOptions.ofSize(10L << 30).withClusterSize(1 << 20).withLazyRefcounts(true)
 * }
 *
 * <p>A combination that the format forbids is refused when the image is created, in QEMU's words.
 *
 * @param size virtual bytes; rounded up to whole sectors of 512 bytes
 * @param version 2 (QEMU: compat 0.10) or 3 (compat 1.1)
 * @param clusterSize unit of allocation in bytes: a power of two from 512 to 2 MiB
 * @param backingFile the name to store, relative names count from the image's folder; empty for
 *     none
 * @param backingFormat format of the backing file, empty if it is not to be stored
 * @param preallocation what is set aside at once
 * @param lazyRefcounts counts may be written late
 * @param refcountBits width of a count: a power of two from 1 to 64
 * @param extendedL2 clusters have 32 subclusters
 * @param compression how clusters are compressed, if they are
 * @param dataFile the name of the external data file to store; empty for none
 * @param dataFileRaw the data file alone is always a raw image of the disk
 * @param journal changes of counts go to a journal, which Gaur alone knows
 */
public record Qcow2CreateOptions(
        long size,
        int version,
        long clusterSize,
        String backingFile,
        String backingFormat,
        Preallocation preallocation,
        boolean lazyRefcounts,
        long refcountBits,
        boolean extendedL2,
        Compression compression,
        String dataFile,
        boolean dataFileRaw,
        boolean journal) {
    /** QEMU's default: 64 KiB. */
    public static final long DEFAULT_CLUSTER_SIZE = 64 << 10;

    /** The only width that version 2 knows. */
    public static final long DEFAULT_REFCOUNT_BITS = 16;

    /** Returns QEMU's defaults for a disk of so many bytes. */
    public static Qcow2CreateOptions ofSize(long size) {
        return new Qcow2CreateOptions(
                size,
                3,
                DEFAULT_CLUSTER_SIZE,
                "",
                "",
                Preallocation.OFF,
                false,
                DEFAULT_REFCOUNT_BITS,
                false,
                Compression.DEFLATE,
                "",
                false,
                false);
    }

    /** Returns these options with another virtual size. */
    public Qcow2CreateOptions withSize(long newSize) {
        return new Qcow2CreateOptions(
                newSize,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with another version of the format. */
    public Qcow2CreateOptions withVersion(int newVersion) {
        return new Qcow2CreateOptions(
                size,
                newVersion,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with another cluster size. */
    public Qcow2CreateOptions withClusterSize(long newClusterSize) {
        return new Qcow2CreateOptions(
                size,
                version,
                newClusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with a backing file of a format. */
    public Qcow2CreateOptions withBacking(String name, String format) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                name,
                format,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with another preallocation. */
    public Qcow2CreateOptions withPreallocation(Preallocation newPreallocation) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                newPreallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with counts written late or not. */
    public Qcow2CreateOptions withLazyRefcounts(boolean newLazyRefcounts) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                newLazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with another width of counts. */
    public Qcow2CreateOptions withRefcountBits(long newRefcountBits) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                newRefcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with subclusters or none. */
    public Qcow2CreateOptions withExtendedL2(boolean newExtendedL2) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                newExtendedL2,
                compression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with another kind of compression. */
    public Qcow2CreateOptions withCompression(Compression newCompression) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                newCompression,
                dataFile,
                dataFileRaw,
                journal);
    }

    /** Returns these options with an external data file. */
    public Qcow2CreateOptions withDataFile(String name, boolean raw) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                name,
                raw,
                journal);
    }

    /** Returns these options with a journal or none. */
    public Qcow2CreateOptions withJournal(boolean newJournal) {
        return new Qcow2CreateOptions(
                size,
                version,
                clusterSize,
                backingFile,
                backingFormat,
                preallocation,
                lazyRefcounts,
                refcountBits,
                extendedL2,
                compression,
                dataFile,
                dataFileRaw,
                newJournal);
    }

    /** Tells whether there is a backing file. */
    public boolean hasBacking() {
        return !backingFile.isEmpty();
    }

    /** Tells whether guest data lies in another file. */
    public boolean hasDataFile() {
        return !dataFile.isEmpty();
    }

    /**
     * Checks that the format allows the combination.
     *
     * @throws IllegalArgumentException if not, with QEMU's text
     */
    public void validate() {
        require(
                isPowerOfTwo(clusterSize)
                        && clusterSize >= 1 << Geometry.CLUSTER_BITS_MIN
                        && clusterSize <= 1 << Geometry.CLUSTER_BITS_MAX,
                "Cluster size must be a power of two between 512 and 2048k");
        require(
                isPowerOfTwo(refcountBits) && refcountBits <= Long.SIZE,
                "Refcount width must be a power of two and may not exceed 64 bits");
        require(size >= 0, "Size " + size + " is negative");
        requireVersion3();
        require(
                !extendedL2 || clusterSize >= EXTENDED_L2_CLUSTER_MIN,
                "Extended L2 entries are only supported with cluster sizes of at least "
                        + EXTENDED_L2_CLUSTER_MIN
                        + " bytes");
        require(!dataFileRaw || hasDataFile(), "data-file-raw requires data-file");
        require(
                !dataFileRaw || !hasBacking(),
                "Backing file and data-file-raw cannot be used at the same time");
        require(
                preallocation == Preallocation.OFF || !hasBacking() || extendedL2,
                "Backing file and preallocation can only be used at the same time if extended_l2"
                        + " is on");
        require(
                hasBacking() || backingFormat.isEmpty(),
                "Backing format cannot be used without backing file");
        require(
                geometry().l1EntriesFor(roundedSize()) * Long.BYTES <= HeaderCodec.L1_BYTES_MAX,
                "The image size is too large for file format 'qcow2' (try using a larger cluster"
                        + " size)");
    }

    private void requireVersion3() {
        String level = " compatibility level 1.1 %s above (use version=v3 or greater)";
        String and = level.formatted("and");
        boolean newer = version >= 3;
        require(newer || !extendedL2, "Extended L2 entries are only supported with" + and);
        require(newer || !lazyRefcounts, "Lazy refcounts only supported with" + and);
        require(
                newer || refcountBits == DEFAULT_REFCOUNT_BITS,
                "Different refcount widths than 16 bits require" + level.formatted("or"));
        require(
                newer || compression == Compression.DEFLATE,
                "Non-zlib compression type is only supported with" + and);
        require(newer || !hasDataFile(), "External data files are only supported with" + and);
        require(newer || !journal, "A journal is only supported with" + and);
    }

    /** Smallest cluster with subclusters: they have at least 512 bytes. */
    private static final int EXTENDED_L2_CLUSTER_MIN = Geometry.SECTOR * Geometry.SUBCLUSTERS;

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    private static boolean isPowerOfTwo(long value) {
        return value > 0 && Long.bitCount(value) == 1;
    }

    /** The size in whole sectors. */
    long roundedSize() {
        return Math.addExact(size, Geometry.SECTOR - 1) & -Geometry.SECTOR;
    }

    Geometry geometry() {
        return new Geometry(
                Long.numberOfTrailingZeros(clusterSize),
                extendedL2,
                Long.numberOfTrailingZeros(refcountBits));
    }
}
