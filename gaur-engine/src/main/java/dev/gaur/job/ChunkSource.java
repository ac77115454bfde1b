package dev.gaur.job;

import dev.gaur.block.Extent;
import dev.gaur.job.Chunk.Content;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Cuts a disk into chunks and hands them out in ascending order, each one once. Chunks begin at
 * multiples of their size; where the disk is known to hold nothing they are holes of any length.
 * Safe for use by many threads.
 */
final class ChunkSource {
    /** How many pieces are looked up in advance. */
    private static final int PIECES_MAX = 256;

    /** What is known of the disk up to an offset, from where the piece before ended. */
    private record Piece(long end, Content content) {}

    private final ConvertSource source;
    private final ConvertTarget.Needs needs;
    private final int chunkSize;
    private final Deque<Piece> pieces = new ArrayDeque<>();
    private long known;
    private long position;
    private long tickets;

    ChunkSource(ConvertSource source, ConvertTarget.Needs needs, int chunkSize) {
        this.source = source;
        this.needs = needs;
        this.chunkSize = chunkSize;
    }

    /**
     * Hands out the next chunk.
     *
     * @return false if there is none
     */
    synchronized boolean next(Chunk chunk) {
        if (position == source.length()) {
            return false;
        }
        Piece first = pieceAt(position);
        long holeEnd = first.end() == source.length() ? first.end() : alignDown(first.end());
        if (isHole(first.content()) && holeEnd > position) {
            chunk.beginHole(tickets++, position, holeEnd - position, first.content());
            position = holeEnd;
            return true;
        }
        long end = Math.min(source.length(), alignDown(position) + chunkSize);
        chunk.begin(tickets++, position, end - position);
        while (position < end) {
            Piece piece = pieceAt(position);
            long to = Math.min(end, piece.end());
            chunk.mark(position, to, piece.content());
            position = to;
        }
        return true;
    }

    private boolean isHole(Content content) {
        return switch (content) {
            case DATA -> false;
            case ZERO -> !needs.zerosAsData();
            case BACKING -> true;
        };
    }

    /** Hands out nothing more. */
    synchronized void close() {
        position = source.length();
    }

    private long alignDown(long offset) {
        return offset - offset % chunkSize;
    }

    private Piece pieceAt(long offset) {
        while (true) {
            Piece first = pieces.peek();
            if (first == null) {
                lookUp();
            } else if (first.end() <= offset) {
                pieces.remove();
            } else {
                return first;
            }
        }
    }

    private void lookUp() {
        long before = known;
        source.extents(known, this::add);
        if (known == before) {
            throw new AssertionError("no extent at offset " + known);
        }
    }

    private boolean add(Extent extent) {
        for (long at = extent.offset(), next; at < extent.end(); at = next) {
            next = Math.min(extent.end(), needs.boundaryAfter(at));
            addPiece(next, needs.content(extent, at));
        }
        return pieces.size() < PIECES_MAX;
    }

    private void addPiece(long end, Content content) {
        Piece last = pieces.peekLast();
        if (last != null && last.content() == content) {
            pieces.removeLast();
        }
        pieces.add(new Piece(end, content));
        known = end;
    }
}
