package dev.gaur.format.qcow2;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Memory for cached clusters: slots of one cluster, in chunks that are leased when one of their
 * slots is needed and given back when none is. Clusters that follow each other in the disk get
 * slots that follow each other, where that can be, so that they leave as one write without being
 * copied. For one thread at a time.
 */
final class CowMemory {
    /** How much leaves in one write. */
    private static final int CHUNK = 1 << 20;

    /** So many chunks lie ready for all images together. */
    private static final int CHUNKS_KEPT = 32;

    private static final BufferPool SHARED = new BufferPool(CHUNK, CHUNKS_KEPT);

    private final int clusterSize;
    private final int slotsPerChunk;
    private final BufferPool pool;
    private final BufferPool.@Nullable Lease[] chunks;
    private final int[] usedOfChunk;
    private final BitSet used = new BitSet();
    private int taken;
    private final LongAdder inUse;

    /**
     * @param bytes the bound; below a cluster there is no room at all
     * @param inUse is told how much is in use, in bytes
     */
    CowMemory(int clusterSize, long bytes, LongAdder inUse) {
        this.inUse = inUse;
        this.clusterSize = clusterSize;
        long most = Math.max(clusterSize, Math.min(CHUNK, bytes));
        this.slotsPerChunk = (int) (most / clusterSize);
        int count = Math.toIntExact(bytes / chunkBytes());
        this.chunks = new BufferPool.Lease[count];
        this.usedOfChunk = new int[count];
        this.pool = chunkBytes() == CHUNK ? SHARED : new BufferPool(chunkBytes(), 2);
    }

    private int chunkBytes() {
        return slotsPerChunk * clusterSize;
    }

    /** How many clusters there is room for. */
    int slots() {
        return chunks.length * slotsPerChunk;
    }

    /** How many slots are nobody's. */
    int free() {
        return slots() - taken;
    }

    /** How many clusters leave together at most. */
    int slotsPerChunk() {
        return slotsPerChunk;
    }

    /** Whether the slot behind this one lies elsewhere. */
    boolean isLastOfChunk(int slot) {
        return slot % slotsPerChunk == slotsPerChunk - 1;
    }

    /** Whether a slot lies right behind another. */
    boolean follows(int slot, int before) {
        return slot == before + 1 && !isLastOfChunk(before);
    }

    /**
     * Takes a slot.
     *
     * @param before the one that it should lie behind; -1 for any
     * @return -1 if none is free, or no memory is left
     */
    int take(int before) {
        int free = used.nextClearBit(0);
        if (free >= slots()) {
            return -1;
        }
        if (before >= 0) {
            boolean next = !isLastOfChunk(before) && !used.get(before + 1);
            int own = next ? before + 1 : emptyChunk();
            free = own >= 0 ? own : free;
        }
        int chunk = free / slotsPerChunk;
        if (usedOfChunk[chunk] == 0) {
            try {
                chunks[chunk] = pool.lease();
            } catch (OutOfMemoryError _) {
                return -1; // Then nothing more waits.
            }
            inUse.add(chunkBytes());
        }
        usedOfChunk[chunk]++;
        used.set(free);
        taken++;
        return free;
    }

    /** The first slot of a chunk that nobody uses; -1 if there is none. */
    private int emptyChunk() {
        for (int chunk = 0; chunk < chunks.length; chunk++) {
            if (usedOfChunk[chunk] == 0) {
                return chunk * slotsPerChunk;
            }
        }
        return -1;
    }

    /** The chunk that a slot lies in, which somebody has. */
    MemorySegment chunk(int slot) {
        BufferPool.Lease lease = chunks[slot / slotsPerChunk];
        if (lease == null) {
            throw new AssertionError("slot " + slot + " is nobody's");
        }
        return lease.segment();
    }

    /** Where a slot lies in its chunk. */
    long place(int slot) {
        return (long) (slot % slotsPerChunk) * clusterSize;
    }

    /** Gives a slot back. */
    void free(int slot) {
        used.clear(slot);
        taken--;
        int chunk = slot / slotsPerChunk;
        BufferPool.Lease lease = chunks[chunk];
        if (--usedOfChunk[chunk] == 0 && lease != null) {
            chunks[chunk] = null;
            inUse.add(-chunkBytes());
            lease.close();
        }
    }
}
