package dev.gaur.codec;

import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * What both readers of zstd must know of a frame's start.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-3.1">RFC 8878, section 3.1</a>
 */
final class ZstdFrames {

    static final int MAGIC = 0xfd2fb528;

    private static final int SKIPPABLE = 0x184d2a50;
    private static final int SKIPPABLE_MASK = 0xfffffff0;

    private ZstdFrames() {}

    /**
     * Whether a frame starts here. libzstd would also take the frames of its seven experimental
     * predecessors: old code that no image needs and an attacker would like.
     */
    static boolean startsHere(MemorySegment source) {
        if (source.byteSize() < Integer.BYTES) {
            return false;
        }
        int magic = Integer.reverseBytes((int) Bytes.u32(source, 0));
        return magic == MAGIC || isSkippable(magic);
    }

    /** Whether a magic number starts a frame that holds no data of ours. */
    static boolean isSkippable(int magic) {
        return (magic & SKIPPABLE_MASK) == SKIPPABLE;
    }

    /**
     * The byte after the magic number.
     *
     * @param windowBytes length of the field that says how far back matches reach
     * @param dictionaryBytes length of the field that names a dictionary
     * @param sizeBytes length of the field that says how long the content is; 0 if none does
     * @param sizeBase what is added to that field
     * @param checksummed whether a checksum follows the last block
     */
    record Descriptor(
            int windowBytes,
            int dictionaryBytes,
            int sizeBytes,
            int sizeBase,
            boolean checksummed) {

        private static final int RESERVED = 1 << 3;
        private static final int CHECKSUM = 1 << 2;
        static final int SINGLE_SEGMENT = 1 << 5;

        static Descriptor of(int bits) throws DamagedException {
            DamagedException.unless((bits & RESERVED) == 0, "reserved frame bit set");
            boolean single = (bits & SINGLE_SEGMENT) != 0;
            int dictionary = bits & 3;
            int size = bits >>> 6;
            return new Descriptor(
                    single ? 0 : 1,
                    dictionary == 3 ? 4 : dictionary,
                    size > 0 ? 1 << size : single ? 1 : 0,
                    size == 1 ? 256 : 0,
                    (bits & CHECKSUM) != 0);
        }
    }
}
