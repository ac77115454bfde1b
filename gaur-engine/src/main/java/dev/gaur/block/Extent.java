package dev.gaur.block;

/**
 * How a range of a node is stored. Offsets are bytes in the node that was asked, host offsets bytes
 * in the file that holds the data. {@code depth} counts the layers down to the one that decides: 0
 * is the node asked, 1 its backing file.
 */
public sealed interface Extent {
    /** The host offset of a range that has no place in a file of its own. */
    long NOWHERE = -1;

    /** Returns the first byte, in the node that was asked. */
    long offset();

    /** Returns how many bytes; at least one. */
    long length();

    /** Returns the layer that decides, 0 for the node that was asked. */
    int depth();

    /** Tells whether every byte is known to read as zero. */
    boolean readsAsZero();

    /** Returns the same kind of extent over another part of it or seen from another layer. */
    Extent at(long offset, long length, int depth);

    /**
     * Returns this extent as a node sees it that begins elsewhere: only its own offset is another
     * one, its place in the file stays.
     */
    default Extent seenAt(long newOffset) {
        return switch (this) {
            case Data it ->
                    new Data(newOffset, it.length(), it.depth(), it.hostOffset(), it.readsAsZero());
            case Encoded it -> new Encoded(newOffset, it.length(), it.depth());
            case Zero it -> new Zero(newOffset, it.length(), it.depth(), it.hostOffset());
            case Unallocated it ->
                    new Unallocated(newOffset, it.length(), it.depth(), it.hostOffset());
        };
    }

    /** Returns the byte after the last. */
    default long end() {
        return offset() + length();
    }

    /**
     * Plain bytes in a file.
     *
     * @param hostOffset where the first byte lies in the layer's data-holding file; {@link
     *     #NOWHERE} while it is in memory only
     * @param readsAsZero whether the file has a hole there
     */
    record Data(long offset, long length, int depth, long hostOffset, boolean readsAsZero)
            implements Extent {
        /** The part of this extent that begins at {@code newOffset}. */
        @Override
        public Data at(long newOffset, long newLength, int newDepth) {
            long host = hostOffset == NOWHERE ? NOWHERE : hostOffset + newOffset - offset;
            return new Data(newOffset, newLength, newDepth, host, readsAsZero);
        }
    }

    /** Bytes that have to be decoded: compressed (encrypted ones will be too). */
    record Encoded(long offset, long length, int depth) implements Extent {
        @Override
        public boolean readsAsZero() {
            return false;
        }

        @Override
        public Encoded at(long newOffset, long newLength, int newDepth) {
            return new Encoded(newOffset, newLength, newDepth);
        }
    }

    /**
     * The layer says: zeros.
     *
     * @param hostOffset where space is reserved, or {@link #NOWHERE}
     */
    record Zero(long offset, long length, int depth, long hostOffset) implements Extent {
        @Override
        public boolean readsAsZero() {
            return true;
        }

        @Override
        public Zero at(long newOffset, long newLength, int newDepth) {
            long host = hostOffset == NOWHERE ? NOWHERE : hostOffset + newOffset - offset;
            return new Zero(newOffset, newLength, newDepth, host);
        }
    }

    /**
     * No layer says anything: reads as zeros. The depth is that of the last layer asked.
     *
     * @param hostOffset where that layer has space reserved nevertheless, or {@link #NOWHERE}
     */
    record Unallocated(long offset, long length, int depth, long hostOffset) implements Extent {
        /** One without a place. */
        public Unallocated(long offset, long length, int depth) {
            this(offset, length, depth, NOWHERE);
        }

        @Override
        public boolean readsAsZero() {
            return true;
        }

        @Override
        public Unallocated at(long newOffset, long newLength, int newDepth) {
            long host = hostOffset == NOWHERE ? NOWHERE : hostOffset + newOffset - offset;
            return new Unallocated(newOffset, newLength, newDepth, host);
        }
    }
}
