package dev.gaur.job;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Extent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Function;

/**
 * What the extents of a disk mean to a job, looked up in ascending order, some in advance. Behind
 * the end of the disk everything means the same. Not for several threads.
 *
 * @param <M> a meaning; neighbours with equal ones are one piece
 */
final class Pieces<M> {
    private static final int PIECES_MAX = 256;

    /** A range up to {@code end}, from where the piece before ended. */
    record Piece<M>(long end, M meaning) {}

    private final BlockIo disk;
    private final Function<Extent, M> meaningOf;
    private final M behind;
    private final Deque<Piece<M>> pieces = new ArrayDeque<>();
    private long known;

    /**
     * @param behind the meaning of what lies behind the end
     */
    Pieces(BlockIo disk, Function<Extent, M> meaningOf, M behind) {
        this.disk = disk;
        this.meaningOf = meaningOf;
        this.behind = behind;
    }

    /** Returns the piece that an offset lies in. Offsets must not fall. */
    Piece<M> at(long offset) {
        while (true) {
            Piece<M> first = pieces.peek();
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
            pieces.add(new Piece<>(Long.MAX_VALUE, behind));
            return;
        }
        long from = Math.max(known, offset);
        disk.extents(from, disk.length() - from, this::add);
        if (pieces.isEmpty()) {
            throw new AssertionError("no extent at offset " + from);
        }
    }

    private boolean add(Extent extent) {
        M meaning = meaningOf.apply(extent);
        Piece<M> last = pieces.peekLast();
        if (last != null && last.meaning().equals(meaning)) {
            pieces.removeLast();
        }
        pieces.add(new Piece<>(extent.end(), meaning));
        known = extent.end();
        return pieces.size() < PIECES_MAX;
    }
}
