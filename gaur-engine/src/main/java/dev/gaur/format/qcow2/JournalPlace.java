package dev.gaur.format.qcow2;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What the journal's header extension says: that there shall be one, and, while the image is open
 * for writing, where.
 *
 * <p>Source: {@code docs/JOURNAL.md}.
 *
 * @param offset first byte in the file, aligned; 0 while there is none
 * @param length bytes of both halves together; while there is none, how many there shall be, or 0
 *     for whatever is best
 * @param generation what all blocks of it carry, so that others' are told from them
 */
record JournalPlace(long offset, long length, long generation) {
    /** No place, and no wish for its length. */
    static final JournalPlace NONE = new JournalPlace(0, 0, 0);

    /** Halves hold whole sectors. */
    static final int UNIT = 2 * Geometry.SECTOR;

    /** Larger ones are not read: Gaur's have 1 MiB, or one cluster. */
    static final long LENGTH_MAX = 4L << 20;

    private static final int VERSION = 1;
    private static final int BYTES = 32;
    private static final int OFFSET_AT = 8;

    /** Tells whether an image shall have a journal that Gaur knows. */
    static boolean isWanted(Header header) {
        return of(header).isPresent();
    }

    /** What the header says; empty if nothing, or nothing that Gaur knows. */
    static Optional<JournalPlace> of(Header header) {
        if (header.version() < 3) {
            return Optional.empty();
        }
        return header.extension(HeaderExtension.JOURNAL).flatMap(each -> parse(each.data()));
    }

    private static Optional<JournalPlace> parse(byte[] data) {
        ByteBuffer bytes = ByteBuffer.wrap(data);
        if (data.length != BYTES || bytes.getInt(0) != VERSION) {
            return Optional.empty();
        }
        bytes.position(OFFSET_AT);
        return Optional.of(new JournalPlace(bytes.getLong(), bytes.getLong(), bytes.getLong()));
    }

    /** The extension's data. */
    byte[] encode() {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES).putInt(0, VERSION).position(OFFSET_AT);
        return bytes.putLong(offset).putLong(length).putLong(generation).array();
    }

    boolean isOpen() {
        return offset != 0;
    }

    /** The same when nobody has the image open for writing any more. */
    JournalPlace closed() {
        return new JournalPlace(0, length, 0);
    }

    /** Whether whole clusters of a file, behind its header, are meant. */
    boolean isPossible(Geometry geometry, long fileLength) {
        return offset > 0
                && geometry.isAligned(offset)
                && isLength(geometry)
                && offset <= fileLength - length;
    }

    private boolean isLength(Geometry geometry) {
        return length > 0
                && length <= LENGTH_MAX
                && length % UNIT == 0
                && geometry.isAligned(length);
    }

    /**
     * Bytes of a new one. If none are wished: enough for much, little beside an image's clusters.
     */
    long newLength(Geometry geometry) {
        if (isLength(geometry)) {
            return length;
        }
        long wanted = Math.clamp(16L * geometry.clusterSize(), LENGTH_LEAST, LENGTH_MOST);
        return geometry.alignUp(wanted);
    }

    private static final long LENGTH_LEAST = 64L << 10;
    private static final long LENGTH_MOST = 1L << 20;
}
