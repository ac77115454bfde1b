package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The journal's place in the file: two halves, which are used in turns. A half begins with a block
 * that says what all counts are; others follow. Each block begins a sector, and no sector of a
 * block that is stable is written again, so a crash costs at most the one that was being written.
 *
 * <p>For one thread at a time.
 *
 * <p>Source: {@code docs/JOURNAL.md}.
 */
final class JournalRing {
    static final int MAGIC = 0x474a524e; // GJRN

    /** The first block of a half. */
    private static final int START = 1;

    /** Any other block. */
    private static final int CHANGES = 2;

    static final int HEAD_BYTES = 32;
    static final int CRC_AT = 4;
    static final int CHECKED_FROM = 8;
    static final int SEQUENCE_AT = 16;
    static final int LENGTH_AT = 24;
    static final int KIND_AT = 28;

    private final StorageNode file;
    private final JournalPlace place;
    private int half = 1;
    private long position;
    private long sequence;

    /**
     * @param place a possible one
     */
    JournalRing(StorageNode file, JournalPlace place) {
        this.file = file;
        this.place = place;
    }

    JournalPlace place() {
        return place;
    }

    private long halfBytes() {
        return place.length() / 2;
    }

    private static long blockBytes(long payload) {
        return (HEAD_BYTES + payload + Geometry.SECTOR - 1) & -Geometry.SECTOR;
    }

    /** Tells whether more than half of a half is in use. */
    boolean isHalfFull() {
        return 2 * position > halfBytes();
    }

    /** Tells whether a half can begin with so much. */
    boolean canStart(JournalRecords records) {
        return blockBytes(records.bytes()) <= halfBytes();
    }

    /** Tells whether there is room for more in this half. */
    boolean canAppend(JournalRecords records) {
        return position + blockBytes(records.bytes()) <= halfBytes();
    }

    /** Begins the other half. In force from when it is stable. */
    void start(JournalRecords records) {
        long length = put(1 - half, 0, START, records);
        half = 1 - half;
        position = length;
        sequence++;
    }

    /** Adds a block; stable after the next flush. */
    void append(JournalRecords records) {
        position += put(half, position, CHANGES, records);
        sequence++;
    }

    private long put(int where, long at, int kind, JournalRecords records) {
        MemorySegment block = MemorySegment.ofArray(new byte[(int) blockBytes(records.bytes())]);
        Bytes.putU32(block, 0, MAGIC);
        Bytes.putU64(block, CHECKED_FROM, place.generation());
        Bytes.putU64(block, SEQUENCE_AT, sequence);
        Bytes.putU32(block, LENGTH_AT, records.bytes());
        Bytes.putU32(block, KIND_AT, kind);
        records.copyTo(block, HEAD_BYTES);
        Bytes.putU32(block, CRC_AT, checksum(block, records.bytes()));
        file.write(place.offset() + where * halfBytes() + at, block, Durability.CACHED);
        return block.byteSize();
    }

    private static long checksum(MemorySegment block, long payload) {
        CRC32C crc = new CRC32C();
        crc.update(block.asSlice(CHECKED_FROM, HEAD_BYTES - CHECKED_FROM + payload).asByteBuffer());
        return crc.getValue();
    }

    // ---- reading

    /** A block that was read. */
    private record Block(int kind, long sequence, long[] words, long length) {}

    /**
     * Finds what is in force, and goes on behind it.
     *
     * @return the records of each block, of the first one in the half first; empty if there is none
     */
    Optional<List<long[]>> read() {
        List<Block> first = readHalf(0);
        List<Block> second = readHalf(1);
        if (first.isEmpty() && second.isEmpty()) {
            return Optional.empty();
        }
        boolean isSecond =
                first.isEmpty()
                        || (!second.isEmpty()
                                && Long.compareUnsigned(
                                                second.getFirst().sequence(),
                                                first.getFirst().sequence())
                                        > 0);
        List<Block> found = isSecond ? second : first;
        half = isSecond ? 1 : 0;
        position = found.stream().mapToLong(Block::length).sum();
        sequence = found.getLast().sequence() + 1;
        return Optional.of(found.stream().map(Block::words).toList());
    }

    private List<Block> readHalf(int which) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) halfBytes()]);
        file.read(place.offset() + which * halfBytes(), bytes);
        List<Block> blocks = new ArrayList<>();
        long at = 0;
        Block block = block(bytes, at);
        while (block != null && isNext(blocks, block)) {
            blocks.add(block);
            at += block.length();
            block = block(bytes, at);
        }
        return blocks;
    }

    private static boolean isNext(List<Block> blocks, Block block) {
        return blocks.isEmpty()
                ? block.kind() == START
                : block.kind() == CHANGES && block.sequence() == blocks.getLast().sequence() + 1;
    }

    private @org.jspecify.annotations.Nullable Block block(MemorySegment bytes, long at) {
        if (at + HEAD_BYTES > bytes.byteSize()) {
            return null;
        }
        long payload = Bytes.u32(bytes, at + LENGTH_AT);
        long length = blockBytes(payload);
        boolean possible =
                Bytes.u32(bytes, at) == MAGIC
                        && Bytes.u64(bytes, at + CHECKED_FROM) == place.generation()
                        && payload % Long.BYTES == 0
                        && length <= bytes.byteSize() - at;
        if (!possible) {
            return null;
        }
        MemorySegment block = bytes.asSlice(at, length);
        if (checksum(block, payload) != Bytes.u32(block, CRC_AT)) {
            return null;
        }
        long[] words = new long[(int) (payload / Long.BYTES)];
        Bytes.copyU64(block, HEAD_BYTES, words, 0, words.length);
        return new Block(
                (int) Bytes.u32(block, KIND_AT), Bytes.u64(block, SEQUENCE_AT), words, length);
    }
}
