package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.sync.SideThreads;
import dev.gaur.sync.Together;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads small pieces from all over a file: the disk is asked for all that memory does not have
 * before the first is waited for. Where it cannot be asked, as with O_DIRECT and over a network,
 * several are waited for at once.
 *
 * <p>For one thread, which is helped by others.
 */
final class ScatteredReads {
    /** Bytes of the file. */
    record Piece(long offset, int bytes) {}

    /** Takes what was read. */
    @FunctionalInterface
    interface Taker<E extends Exception> {
        /**
         * By one thread at a time.
         *
         * @param bytes native, until this returned; zeros behind the end of the file
         */
        void take(Piece piece, MemorySegment bytes) throws E;
    }

    /** The longest piece. */
    static final int BYTES_MAX = 64 << 10;

    /** To ask for so many takes as long as it takes to find somebody who helps. */
    private static final int ASKED_EACH = 32;

    /** A disk of which nothing can be asked takes longer for one. */
    private static final int READ_EACH = 8;

    /** Who asks computes. */
    private static final int ASKING_MAX = 1;

    private static final SideThreads HELPERS = SideThreads.shared();

    private static final BufferPool BUFFERS = new BufferPool(BYTES_MAX, 1 + HELPERS.most());

    private final StorageNode file;
    private final List<Piece> pieces = new ArrayList<>();
    private boolean asked;

    ScatteredReads(StorageNode file) {
        this.file = file;
    }

    /**
     * Adds a piece; what continues the last one is read together with it.
     *
     * @param bytes at most {@link #BYTES_MAX}
     */
    void add(long offset, int bytes) {
        Piece last = pieces.isEmpty() ? new Piece(-1, 0) : pieces.getLast();
        int together = last.bytes() + bytes;
        if (last.offset() + last.bytes() == offset && together <= BYTES_MAX) {
            pieces.set(pieces.size() - 1, new Piece(last.offset(), together));
        } else {
            pieces.add(new Piece(offset, bytes));
        }
    }

    /**
     * Reads the first ones, in the order in which they were added, up to one that memory does not
     * have; the disk is asked for that and all that follow, which are left for {@link #forEach}.
     */
    <E extends Exception> void takePresent(Taker<E> taker) throws E {
        int taken = 0;
        try (BufferPool.Lease lease = BUFFERS.lease()) {
            while (taken < pieces.size()) {
                Piece piece = pieces.get(taken);
                MemorySegment buffer = lease.segment(piece.bytes());
                boolean inside = piece.offset() <= file.length() - piece.bytes();
                if (!inside || !file.tryRead(piece.offset(), buffer)) {
                    break;
                }
                taker.take(piece, buffer);
                taken++;
            }
        }
        pieces.subList(0, taken).clear();
        ask();
    }

    private void ask() {
        if (pieces.size() > 1) {
            asked = ask(pieces.getFirst());
        }
        if (asked) {
            List<Piece> others = pieces.subList(1, pieces.size());
            int helpers = Math.min(ASKING_MAX, others.size() / ASKED_EACH);
            Together.forEach(others, helpers, HELPERS::tryRun, this::ask);
        }
    }

    private boolean ask(Piece piece) {
        return file.prefetch(piece.offset(), piece.bytes());
    }

    /**
     * Reads all that are left: in the order in which they were added if {@link #takePresent} could
     * ask for them.
     */
    <E extends Exception> void forEach(Taker<E> taker) throws E {
        int helpers = asked ? 0 : Math.min(HELPERS.most(), pieces.size() / READ_EACH);
        Together.forEach(pieces, helpers, HELPERS::tryRun, piece -> take(piece, taker));
    }

    private <E extends Exception> void take(Piece piece, Taker<E> taker) throws E {
        try (BufferPool.Lease lease = BUFFERS.lease()) {
            MemorySegment buffer = lease.segment(piece.bytes());
            read(piece, buffer);
            synchronized (this) {
                taker.take(piece, buffer);
            }
        }
    }

    private void read(Piece piece, MemorySegment buffer) {
        long present = Math.clamp(file.length() - piece.offset(), 0, piece.bytes());
        if (present > 0) {
            file.read(piece.offset(), buffer.asSlice(0, present));
        }
        buffer.asSlice(present).fill((byte) 0);
    }
}
