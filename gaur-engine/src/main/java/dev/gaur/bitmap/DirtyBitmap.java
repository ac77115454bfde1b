package dev.gaur.bitmap;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Which parts of a disk were written to: a bit for each piece of {@link #granularity} bytes. Parts
 * never set take no memory. Setting and reading are safe for many threads at once and never block;
 * clearing while others set may keep or lose their bits.
 *
 * <p>Offsets and lengths are bytes of the disk, bits are counted from its start.
 */
public final class DirtyBitmap {
    /** 4 KiB of bits. */
    private static final int CHUNK_LONGS_BITS = 9;

    private static final int CHUNK_BITS = CHUNK_LONGS_BITS + 6;
    private static final int CHUNK_LONGS = 1 << CHUNK_LONGS_BITS;

    private final long length;
    private final int granularityBits;
    private final AtomicReferenceArray<@Nullable AtomicLongArray> chunks;

    /**
     * Makes a bitmap of a disk that nobody has written to.
     *
     * @param length bytes of the disk
     * @param granularity bytes for each bit, a power of two
     */
    public DirtyBitmap(long length, long granularity) {
        if (length < 0 || Long.bitCount(granularity) != 1 || granularity < 1) {
            throw new IllegalArgumentException("length " + length + ", granularity " + granularity);
        }
        this.length = length;
        this.granularityBits = Long.numberOfTrailingZeros(granularity);
        long count = (bits() + (1L << CHUNK_BITS) - 1) >>> CHUNK_BITS;
        this.chunks = new AtomicReferenceArray<>(Math.toIntExact(count));
    }

    /** Returns the size of the disk in bytes. */
    public long length() {
        return length;
    }

    /** Returns how many bytes of the disk a bit stands for. */
    public long granularity() {
        return 1L << granularityBits;
    }

    /** Returns the number of bits. */
    public long bits() {
        return (length >>> granularityBits) + ((length & granularity() - 1) == 0 ? 0 : 1);
    }

    /** Marks every piece that the range touches; the range lies within the disk. */
    public void set(long offset, long count) {
        if (count <= 0) {
            return;
        }
        long end = ((offset + count - 1) >>> granularityBits) + 1;
        setBits(offset >>> granularityBits, end);
    }

    /** Sets bits from {@code first} to before {@code end}. */
    public void setBits(long first, long end) {
        for (long bit = first; bit < end; ) {
            int chunkIndex = (int) (bit >>> CHUNK_BITS);
            AtomicLongArray chunk = chunkToSet(chunkIndex);
            int index = (int) (bit >>> 6) & (CHUNK_LONGS - 1);
            int inWord = (int) bit & 63;
            int count = (int) Math.min(64 - inWord, end - bit);
            long mask = (-1L >>> (64 - count)) << inWord;
            if ((chunk.get(index) & mask) != mask) { // Mostly it is set already: no write then.
                chunk.getAndAccumulate(index, mask, (a, b) -> a | b);
            }
            bit += count;
        }
    }

    private AtomicLongArray chunkToSet(int index) {
        AtomicLongArray chunk = chunks.get(index);
        if (chunk != null) {
            return chunk;
        }
        AtomicLongArray fresh = new AtomicLongArray(CHUNK_LONGS);
        AtomicLongArray other = chunks.compareAndExchange(index, null, fresh);
        return other == null ? fresh : other;
    }

    /** Tells whether the piece that holds a byte is marked. */
    public boolean isSet(long offset) {
        long bit = offset >>> granularityBits;
        return (word(bit >>> 6) >>> bit & 1) != 0;
    }

    /** The {@code index}th 64 bits, the lowest first. */
    public long word(long index) {
        AtomicLongArray chunk = chunks.get((int) (index >>> CHUNK_LONGS_BITS));
        return chunk == null ? 0 : chunk.get((int) index & (CHUNK_LONGS - 1));
    }

    /**
     * Sets the bits that are set in {@code bits}; those behind the end of the disk are left out.
     *
     * @param index which 64 bits, as for {@link #word}
     */
    public void orWord(long index, long bits) {
        long mine = bits & wordMask(index);
        if (mine != 0) {
            int inChunk = (int) index & (CHUNK_LONGS - 1);
            chunkToSet((int) (index >>> CHUNK_LONGS_BITS))
                    .getAndAccumulate(inChunk, mine, (a, b) -> a | b);
        }
    }

    /** Which bits of a word stand for a piece of the disk. */
    public long wordMask(long index) {
        long left = bits() - (index << 6);
        return left >= 64 ? -1L : left <= 0 ? 0 : -1L >>> (64 - left);
    }

    /** Unmarks everything. */
    public void clear() {
        for (int i = 0; i < chunks.length(); i++) {
            chunks.set(i, null);
        }
    }

    /** Returns how many bits are set. */
    public long count() {
        long count = 0;
        for (int i = 0; i < chunks.length(); i++) {
            AtomicLongArray chunk = chunks.get(i);
            for (int j = 0; chunk != null && j < CHUNK_LONGS; j++) {
                count += Long.bitCount(chunk.get(j));
            }
        }
        return count;
    }

    /**
     * Finds the next bit of a kind.
     *
     * @return its number, at least {@code from}; {@link #bits} if there is none
     */
    public long nextBit(boolean set, long from) {
        long bits = bits();
        long bit = from;
        while (bit < bits) {
            if ((bit & ((1L << CHUNK_BITS) - 1)) == 0
                    && chunks.get((int) (bit >>> CHUNK_BITS)) == null) {
                if (!set) {
                    return bit;
                }
                bit += 1L << CHUNK_BITS;
                continue;
            }
            long word = word(bit >>> 6);
            long wanted = (set ? word : ~word) >>> bit;
            if (wanted != 0) {
                return Math.min(bits, bit + Long.numberOfTrailingZeros(wanted));
            }
            bit = (bit | 63) + 1;
        }
        return bits;
    }

    /** Marks here what is marked in {@code other}, whose disk has the same size. */
    public void merge(DirtyBitmap other) {
        if (other.length != length) {
            throw new IllegalArgumentException("lengths " + length + " and " + other.length);
        }
        for (long bit = other.nextBit(true, 0), end; bit < other.bits(); ) {
            end = other.nextBit(false, bit);
            long from = bit << other.granularityBits;
            set(from, Math.min(length, end << other.granularityBits) - from);
            bit = other.nextBit(true, end);
        }
    }

    /** Returns the same content for a disk of another size: bits behind its end are dropped. */
    public DirtyBitmap resized(long newLength) {
        DirtyBitmap copy = new DirtyBitmap(newLength, granularity());
        long shared = Math.min(bits(), copy.bits());
        for (long bit = nextBit(true, 0), end; bit < shared; ) {
            end = Math.min(shared, nextBit(false, bit));
            copy.setBits(bit, end);
            bit = nextBit(true, end);
        }
        return copy;
    }
}
