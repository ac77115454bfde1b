package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

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

    /** What is read first of a half: enough for a block that says little. */
    private static final int FIRST_BYTES = 4096;

    private static final int PIECE_BYTES = 64 << 10;

    private final StorageNode file;
    private final JournalPlace place;
    private int half = 1;
    private long position;
    private long sequence;
    private boolean cut;

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
    private record Block(int kind, long sequence, long[] words, long length) {
        boolean isLaterThan(Block other) {
            return Long.compareUnsigned(sequence, other.sequence) > 0;
        }
    }

    /** The bytes of a half, read a piece at a time into the same memory. */
    private final class Half {
        private final int number;
        private byte[] memory = new byte[FIRST_BYTES];
        private long from;
        private long end;

        Half(int number) {
            this.number = number;
        }

        /** Returns a range that the half has, until the next call. */
        MemorySegment bytes(long at, long length) {
            if (at < from || at + length > end) {
                long left = halfBytes() - at;
                int wanted = at == 0 ? FIRST_BYTES : PIECE_BYTES;
                long count = Math.min(left, Math.max(length, wanted));
                memory = count > memory.length ? new byte[(int) count] : memory;
                MemorySegment piece = MemorySegment.ofArray(memory).asSlice(0, count);
                file.read(place.offset() + number * halfBytes() + at, piece);
                from = at;
                end = at + count;
            }
            return MemorySegment.ofArray(memory).asSlice(at - from, length);
        }

        @Nullable Block block(long at) {
            if (at + HEAD_BYTES > halfBytes()) {
                return null;
            }
            MemorySegment head = bytes(at, HEAD_BYTES);
            long payload = Bytes.u32(head, LENGTH_AT);
            long length = blockBytes(payload);
            boolean possible =
                    Bytes.u32(head, 0) == MAGIC
                            && Bytes.u64(head, CHECKED_FROM) == place.generation()
                            && payload % Long.BYTES == 0
                            && length <= halfBytes() - at;
            if (!possible) {
                return null;
            }
            MemorySegment block = bytes(at, length);
            if (checksum(block, payload) != Bytes.u32(block, CRC_AT)) {
                return null;
            }
            long[] words = new long[(int) (payload / Long.BYTES)];
            Bytes.copyU64(block, HEAD_BYTES, words, 0, words.length);
            int kind = (int) Bytes.u32(block, KIND_AT);
            return new Block(kind, Bytes.u64(block, SEQUENCE_AT), words, length);
        }

        /** All blocks from the first one on, which there is. */
        List<Block> blocks() {
            List<Block> blocks = new ArrayList<>();
            long at = 0;
            Block block = block(at);
            while (block != null && isNext(blocks, block)) {
                blocks.add(block);
                at += block.length();
                block = block(at);
            }
            return blocks;
        }

        /** Whether there are blocks from a place on that could follow a certain one. */
        boolean hasMore(long start, long number) {
            for (long at = start; at < halfBytes(); at += PIECE_BYTES) {
                long count = Math.min(PIECE_BYTES, halfBytes() - at);
                if (hasMore(bytes(at, count).asByteBuffer(), number)) {
                    return true;
                }
            }
            return false;
        }

        private boolean hasMore(ByteBuffer piece, long number) {
            for (int at = 0; at < piece.limit(); at += Geometry.SECTOR) {
                if (piece.getInt(at) == MAGIC
                        && piece.getLong(at + CHECKED_FROM) == place.generation()
                        && Long.compareUnsigned(piece.getLong(at + SEQUENCE_AT), number) > 0) {
                    return true;
                }
            }
            return false;
        }
    }

    /**
     * Finds what is in force, and goes on behind it.
     *
     * @return the records of each block, of the first one in the half first; empty if there is none
     */
    Optional<List<long[]>> read() {
        Half first = new Half(0);
        Half second = new Half(1);
        Block ofFirst = start(first);
        Block ofSecond = start(second);
        if (ofFirst == null && ofSecond == null) {
            return Optional.empty();
        }
        boolean isSecond = ofFirst == null || (ofSecond != null && ofSecond.isLaterThan(ofFirst));
        Half found = isSecond ? second : first;
        List<Block> blocks = found.blocks();
        half = found.number;
        position = blocks.stream().mapToLong(Block::length).sum();
        sequence = blocks.getLast().sequence() + 1;
        cut = found.hasMore(position, sequence); // One that is the next itself is replaced by it.
        return Optional.of(blocks.stream().map(Block::words).toList());
    }

    private static @Nullable Block start(Half half) {
        Block block = half.block(0);
        return block != null && isNext(List.of(), block) ? block : null;
    }

    private static boolean isNext(List<Block> blocks, Block block) {
        return blocks.isEmpty()
                ? block.kind() == START
                : block.kind() == CHANGES && block.sequence() == blocks.getLast().sequence() + 1;
    }

    /**
     * Tells whether there are blocks behind those that count, of the same time: they would count
     * with a new one before them.
     */
    boolean isCut() {
        return cut;
    }
}
