package dev.gaur.format.qcow2;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * By which steps another header takes the place of the old one in the first cluster, so that a
 * crash at any moment leaves the one or the other. A step changes bytes behind the first sector
 * that nobody uses yet, and then the first sector, which says what is used.
 *
 * <p>Where extensions would be written over live bytes there are two steps: the first new header
 * has no names of features, so that all its extensions lie in the first sector; the second has
 * them. The backing file's name may lie apart from the extensions for that.
 *
 * <p>Source: the specification, "Header", "Header extensions".
 */
final class HeaderSteps {
    private static final int SECTOR = Geometry.SECTOR;
    private static final int HEAD = 8;

    private final String image;
    private final byte[] old;
    private final Header changed;

    private HeaderSteps(String image, byte[] old, Header changed) {
        this.image = image;
        this.old = old;
        this.changed = changed;
    }

    /**
     * Finds the steps.
     *
     * @param image the name for messages
     * @param old the first cluster as it is
     * @param changed the new header
     * @return the first clusters that follow each other; empty if there is no way
     * @throws dev.gaur.block.BlockException.Unsupported if the new header does not fit
     */
    static Optional<List<byte[]>> of(String image, byte[] old, Header changed) {
        return new HeaderSteps(image, old, changed).find();
    }

    private Optional<List<byte[]>> find() {
        Use whole = Use.of(HeaderCodec.encode(image, changed));
        int behindAll = HeaderCodec.roundUp8(Math.max(Use.of(old).end(), whole.extensionsEnd()));
        for (int nameAt : new int[] {0, HeaderCodec.roundUp8(whole.extensionsEnd()), behindAll}) {
            if (nameAt + nameBytes() > old.length) {
                continue;
            }
            byte[] full = HeaderCodec.encode(image, changed, true, nameAt);
            Optional<byte[]> step = step(old, full);
            if (step.isPresent()) {
                return Optional.of(List.of(step.get()));
            }
            Optional<byte[]> bare = step(old, HeaderCodec.encode(image, changed, false, nameAt));
            Optional<byte[]> then = bare.flatMap(before -> step(before, full));
            if (then.isPresent()) {
                return Optional.of(List.of(bare.orElseThrow(), then.get()));
            }
        }
        return Optional.empty();
    }

    private int nameBytes() {
        return changed.backingName().getBytes(StandardCharsets.UTF_8).length;
    }

    /** The first cluster after a step to another header; what that does not use stays. */
    private static Optional<byte[]> step(byte[] before, byte[] header) {
        Use live = Use.of(before);
        Use then = Use.of(header);
        byte[] after = before.clone();
        System.arraycopy(header, 0, after, 0, SECTOR);
        boolean overwrites = false;
        for (int at = SECTOR; at < header.length; at++) {
            if (then.covers(at)) {
                overwrites |= live.covers(at) && before[at] != header[at];
                after[at] = header[at];
            }
        }
        return overwrites && !isOneSector(before, after) ? Optional.empty() : Optional.of(after);
    }

    private static boolean isOneSector(byte[] before, byte[] after) {
        int sector = Arrays.mismatch(before, after) & -SECTOR;
        int end = sector + SECTOR;
        return Arrays.equals(before, end, before.length, after, end, after.length);
    }

    /** Which bytes of a first cluster its header uses: up to the one place, and the name. */
    private record Use(int extensionsEnd, int name, int nameEnd) {
        static Use of(byte[] cluster) {
            ByteBuffer bytes = ByteBuffer.wrap(cluster);
            int name = (int) bytes.getLong(8);
            int nameEnd = name == 0 ? 0 : name + bytes.getInt(16);
            int limit = name == 0 ? cluster.length : name;
            int at = bytes.getInt(4) == 2 ? Header.V2_LENGTH : bytes.getInt(100);
            while (at + HEAD <= limit) {
                int next = at + HEAD + HeaderCodec.roundUp8(bytes.getInt(at + 4));
                if (bytes.getInt(at) == HeaderExtension.END) {
                    return new Use(at + HEAD, name, nameEnd);
                }
                at = next;
            }
            return new Use(limit, name, nameEnd);
        }

        int end() {
            return Math.max(extensionsEnd, nameEnd);
        }

        boolean covers(int at) {
            return at < extensionsEnd || (at >= name && at < nameEnd);
        }
    }
}
