package dev.gaur.format.qcow2;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The header, parsed and within all limits; a version 2 header has the values that version 3 states
 * explicitly. Offsets are host bytes.
 *
 * <p>Source: the specification, "Header".
 *
 * @param version 2 or 3
 * @param clusterBits 9..21
 * @param size virtual bytes, as stored
 * @param cryptMethod 0 none, 1 AES, 2 LUKS
 * @param l1Entries entries of the active L1 table
 * @param l1TableOffset aligned
 * @param refcountTableOffset aligned
 * @param refcountTableClusters length of the refcount table in clusters
 * @param snapshotCount entries of the snapshot table
 * @param snapshotsOffset aligned; without meaning if there are no snapshots
 * @param incompatible feature bits that a reader must know
 * @param compatible feature bits that may be ignored
 * @param autoclear feature bits that a writer which does not know them must clear
 * @param refcountOrder 0..6
 * @param headerLength bytes of the fixed part: 72 in version 2, at least 104 in version 3
 * @param compressionType 0 deflate, 1 zstd
 * @param unknownFields bytes of the fixed part after the known ones, kept for rewriting
 * @param extensions in the file's order, without the end mark
 * @param backingName the backing file's name as stored, empty if none
 */
record Header(
        int version,
        int clusterBits,
        long size,
        int cryptMethod,
        int l1Entries,
        long l1TableOffset,
        long refcountTableOffset,
        int refcountTableClusters,
        int snapshotCount,
        long snapshotsOffset,
        long incompatible,
        long compatible,
        long autoclear,
        int refcountOrder,
        int headerLength,
        int compressionType,
        byte[] unknownFields,
        List<HeaderExtension> extensions,
        String backingName) {
    /** {@code QFI} and 0xfb. */
    static final int MAGIC = 0x514649fb;

    /** Incompatible: counts may be stale. */
    static final long DIRTY = 1;

    /** Incompatible: metadata is damaged; not to be written. */
    static final long CORRUPT = 1 << 1;

    /** Incompatible: guest data lies in another file. */
    static final long DATA_FILE = 1 << 2;

    /** Incompatible: the compression type is not deflate. */
    static final long COMPRESSION = 1 << 3;

    /** Incompatible: L2 entries have subcluster bitmaps. */
    static final long EXTENDED_L2 = 1 << 4;

    /** All incompatible bits that Gaur reads. */
    static final long KNOWN_INCOMPATIBLE = DIRTY | CORRUPT | DATA_FILE | COMPRESSION | EXTENDED_L2;

    /** Compatible: refcounts may be written late while {@link #DIRTY} is set. */
    static final long LAZY_REFCOUNTS = 1;

    /** Autoclear: the bitmaps extension can be trusted. */
    static final long BITMAPS_VALID = 1;

    /** Autoclear: the data file alone is a raw image of the disk. */
    static final long DATA_FILE_RAW = 1 << 1;

    /**
     * Autoclear, Gaur's own: the journal says which counts are stale. Whoever does not know it
     * clears it before writing.
     */
    static final long JOURNAL_VALID = 1L << 62;

    /** All autoclear bits that Gaur keeps true when it changes a header. */
    static final long KNOWN_AUTOCLEAR = BITMAPS_VALID | DATA_FILE_RAW | JOURNAL_VALID;

    /** Bytes of a version 2 header. */
    static final int V2_LENGTH = 72;

    /** Bytes of the smallest version 3 header. */
    static final int V3_LENGTH_MIN = 104;

    /** Bytes of the header that QEMU and Gaur write. */
    static final int V3_LENGTH = 112;

    boolean has(long incompatibleBit) {
        return (incompatible & incompatibleBit) != 0;
    }

    /** The virtual size as QEMU shows it: whole sectors, what is left over is cut off. */
    long virtualSize() {
        return size & -Geometry.SECTOR;
    }

    /** The extension of a type; the last one if there are several, as in QEMU. */
    Optional<HeaderExtension> extension(int type) {
        return extensions.stream().filter(each -> each.type() == type).reduce((_, last) -> last);
    }

    /** The string in an extension, up to a NUL; empty if there is no such extension. */
    String extensionText(int type) {
        return extension(type).map(each -> text(each.data())).orElse("");
    }

    /** Decodes a string of the header. It ends at a NUL, since no file name has one. */
    static String text(byte[] bytes) {
        String all = new String(bytes, StandardCharsets.UTF_8);
        int nul = all.indexOf('\0');
        return nul < 0 ? all : all.substring(0, nul);
    }

    Geometry geometry() {
        return new Geometry(clusterBits, has(EXTENDED_L2), refcountOrder);
    }
}
