package dev.gaur.format.qcow2;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Puts another backing file's name into the bytes of a header so that they can be written sector by
 * sector, the last sector first: until the first sector is written, which holds place and length of
 * the name, a reader finds the old name and format, and from then on the new ones. For that the new
 * name lies beside the old one, and the extensions stay where they are.
 *
 * <p>Source: the specification, "Header", "Header extensions".
 */
final class BackingEdit {
    private static final int NAME_OFFSET_AT = 8;
    private static final int NAME_LENGTH_AT = 16;
    private static final int AUTOCLEAR_AT = 88;
    private static final int HEAD = 8;

    /** Bytes of an extension with the name of a format: no known one has more than 8. */
    private static final int FORMAT_EXTENSION = 2 * HEAD;

    private final ByteBuffer bytes;
    private final int oldName;
    private final int oldNameEnd;
    private int formatAt = -1;
    private int endAt = -1;

    private BackingEdit(byte[] cluster, Header header) {
        this.bytes = ByteBuffer.wrap(cluster);
        this.oldName = (int) bytes.getLong(NAME_OFFSET_AT);
        this.oldNameEnd = oldName + (oldName == 0 ? 0 : bytes.getInt(NAME_LENGTH_AT));
        int from = header.version() == 2 ? Header.V2_LENGTH : header.headerLength();
        findExtensions(from, oldName == 0 ? cluster.length : oldName);
    }

    /**
     * Makes the new first cluster.
     *
     * @param cluster the old one, which is not changed
     * @param header the same, parsed
     * @param name empty for none
     * @return empty if all has to be made anew
     */
    static Optional<byte[]> of(byte[] cluster, Header header, String name, String format) {
        byte[] copy = cluster.clone();
        BackingEdit edit = new BackingEdit(copy, header);
        if (header.version() >= 3) {
            long known = header.autoclear() & Header.KNOWN_AUTOCLEAR;
            edit.bytes.putLong(AUTOCLEAR_AT, known);
        }
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        byte[] formatBytes = format.getBytes(StandardCharsets.UTF_8);
        boolean done = nameBytes.length == 0 ? edit.drop() : edit.put(nameBytes, formatBytes);
        return done ? Optional.of(copy) : Optional.empty();
    }

    private void findExtensions(int from, int limit) {
        int at = from;
        while (at + HEAD <= limit) {
            int type = bytes.getInt(at);
            if (type == HeaderExtension.END) {
                endAt = at;
                return;
            }
            if (type == HeaderExtension.BACKING_FORMAT) {
                formatAt = at;
            }
            at += HEAD + HeaderCodec.roundUp8(bytes.getInt(at + 4));
        }
    }

    /** The format may stay: it has no meaning without a name. */
    private boolean drop() {
        bytes.putLong(NAME_OFFSET_AT, 0).putInt(NAME_LENGTH_AT, 0);
        return true;
    }

    private boolean put(byte[] name, byte[] format) {
        return endAt >= 0 && putFormat(format) && putName(name);
    }

    private boolean putFormat(byte[] format) {
        int place = formatAt >= 0 ? formatAt : endAt;
        boolean fits = format.length > 0 && format.length <= HEAD;
        if (formatAt >= 0) {
            int length = HeaderCodec.roundUp8(bytes.getInt(formatAt + 4));
            fits &= length == HEAD;
        } else {
            int limit = oldName == 0 ? bytes.capacity() : oldName;
            fits &= endAt + FORMAT_EXTENSION + HEAD <= limit;
            // Nobody looks behind an end in the first sector: all may be made anew.
            fits &= oldName != 0 || endAt + HEAD > Geometry.SECTOR;
        }
        // While the old name is in force, the new format may not be seen.
        fits &= oldName == 0 || place + FORMAT_EXTENSION + HEAD <= Geometry.SECTOR;
        if (!fits) {
            return false;
        }
        bytes.putInt(place, HeaderExtension.BACKING_FORMAT).putInt(place + 4, format.length);
        bytes.putLong(place + HEAD, 0).put(place + HEAD, format);
        if (formatAt < 0) {
            endAt += FORMAT_EXTENSION;
            bytes.putLong(endAt, HeaderExtension.END);
        }
        return true;
    }

    private boolean putName(byte[] name) {
        int place = endAt + HEAD;
        if (oldName != 0 && place < oldNameEnd && oldName < place + name.length) {
            place = HeaderCodec.roundUp8(oldNameEnd);
        }
        if (place + name.length > bytes.capacity()) {
            return false;
        }
        bytes.put(place, name);
        bytes.putLong(NAME_OFFSET_AT, place).putInt(NAME_LENGTH_AT, name.length);
        return true;
    }
}
