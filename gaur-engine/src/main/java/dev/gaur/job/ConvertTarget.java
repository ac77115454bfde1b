package dev.gaur.job;

import dev.gaur.block.Extent;
import dev.gaur.job.Chunk.Content;

/** Where converted data goes. The methods are safe for use by many threads unless they say not. */
sealed interface ConvertTarget permits RawTarget, ImageTarget {
    /**
     * What a target wants of chunks.
     *
     * @param unit bytes of the pieces that it treats as one
     * @param backing the files below source and target
     * @param zerosAsData whether zeros have to be given to it as bytes
     * @param order whether chunks have to be given a place, in their order
     */
    record Needs(int unit, Convert.Backing backing, boolean zerosAsData, boolean order) {
        /**
         * What the extent means to the target at an offset. Over a backing file only what the
         * source's top layer has is copied, as in QEMU.
         */
        Content content(Extent extent, long offset) {
            boolean below = extent.depth() > 0 && offset < backing.sourceLength();
            if (below && backing.targetLength() > 0) {
                return Content.BACKING;
            }
            return extent.readsAsZero() ? zeros(offset) : Content.DATA;
        }

        /** What zeros at an offset mean to the target: behind its backing file they are there. */
        Content zeros(long offset) {
            boolean there = hasBacking() && offset >= backing.targetLength();
            return there ? Content.BACKING : Content.ZERO;
        }

        /** Tells whether the target has a backing file. */
        boolean hasBacking() {
            return backing.targetLength() > 0;
        }

        /** Returns the first offset behind another one at which {@link #content} may change. */
        long boundaryAfter(long offset) {
            if (offset < Math.min(backing.sourceLength(), backing.targetLength())) {
                return Math.min(backing.sourceLength(), backing.targetLength());
            }
            long last = Math.max(backing.sourceLength(), backing.targetLength());
            return offset < last ? last : Long.MAX_VALUE;
        }
    }

    /** Returns what the target wants; the same every time. */
    Needs needs();

    /** Makes what writes chunks, each of which has its own. */
    Writer writer(int chunkSize);

    /** Ends the target after the last chunk was written. */
    void finish();

    /** What one chunk needs to be written; used by one thread at a time. */
    interface Writer extends AutoCloseable {
        /** Does what can be done without knowing where the chunk goes. */
        void prepare(Chunk chunk);

        /**
         * Decides where the chunk goes. Called in the order of chunks, for one at a time, if {@link
         * Needs#order} says so.
         */
        void place(Chunk chunk);

        /** Writes the chunk. Called for one chunk of a target at a time. */
        void write(Chunk chunk);

        @Override
        void close();
    }
}
