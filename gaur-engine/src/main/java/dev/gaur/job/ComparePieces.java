package dev.gaur.job;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Extent;
import java.util.ArrayDeque;
import java.util.Deque;

/** What is known of one disk of a comparison, from its start to its end; zeros lie behind that. */
final class ComparePieces {
    private static final int PIECES_MAX = 256;

    /** How a range is stored, as far as a strict comparison sees it. */
    enum Stored {
        PLAIN,
        ENCODED,
        ZEROS,
        ZEROS_WITH_SPACE,
        NOT_AT_ALL
    }

    /**
     * A range that is stored in one way.
     *
     * @param end byte after its last
     * @param zero it is known to read as zeros
     */
    record Piece(long end, Stored stored, boolean zero) {
        /** Whether both are stored in the same way. */
        boolean looksLike(Piece other) {
            return stored == other.stored && zero == other.zero;
        }
    }

    private final BlockIo disk;
    private final Deque<Piece> pieces = new ArrayDeque<>();
    private long known;

    ComparePieces(BlockIo disk) {
        this.disk = disk;
    }

    BlockIo disk() {
        return disk;
    }

    /**
     * Returns the piece that an offset lies in. Offsets must not fall.
     *
     * @throws Compare.Failure if the disk cannot say
     */
    Piece at(long offset) {
        while (true) {
            Piece first = pieces.peek();
            if (first == null) {
                lookUp(offset);
            } else if (first.end() <= offset) {
                pieces.remove();
            } else {
                return first;
            }
        }
    }

    private void lookUp(long offset) {
        if (offset >= disk.length()) {
            pieces.add(new Piece(Long.MAX_VALUE, Stored.NOT_AT_ALL, true));
            return;
        }
        long from = Math.max(known, offset);
        try {
            disk.extents(from, disk.length() - from, this::add);
        } catch (BlockException failure) {
            throw new Compare.Failure(Compare.Failure.Doing.ASKING, offset, disk, failure);
        }
    }

    private boolean add(Extent extent) {
        Stored stored =
                switch (extent) {
                    case Extent.Data _ -> Stored.PLAIN;
                    case Extent.Encoded _ -> Stored.ENCODED;
                    case Extent.Zero zero ->
                            zero.hostOffset() == Extent.NOWHERE
                                    ? Stored.ZEROS
                                    : Stored.ZEROS_WITH_SPACE;
                    case Extent.Unallocated _ -> Stored.NOT_AT_ALL;
                };
        Piece piece = new Piece(extent.end(), stored, extent.readsAsZero());
        Piece last = pieces.peekLast();
        if (last != null && piece.looksLike(last)) {
            pieces.removeLast();
        }
        pieces.add(piece);
        known = piece.end();
        return pieces.size() < PIECES_MAX;
    }
}
