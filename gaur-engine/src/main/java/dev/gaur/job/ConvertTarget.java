package dev.gaur.job;

import dev.gaur.block.Extent;
import dev.gaur.job.Chunk.Content;

/** Where converted data goes. The methods are safe for use by many threads unless they say not. */
sealed interface ConvertTarget permits RawTarget, ImageTarget {
    /**
     * What a target wants of chunks.
     *
     * @param unit bytes of the pieces that it treats as one
     * @param backingLength how long its backing file is; 0 if it has none
     * @param zerosAsData whether zeros have to be given to it as bytes
     * @param order whether chunks have to be given a place, in their order
     */
    record Needs(int unit, long backingLength, boolean zerosAsData, boolean order) {
        /**
         * What a range of the source means to the target. Over a backing file only what the
         * source's top layer has is copied, as in QEMU, and zeros behind the backing file's end are
         * there without doing.
         */
        Content content(Extent extent, long offset) {
            if (backingLength > 0 && extent.depth() > 0) {
                return Content.BACKING;
            }
            return extent.readsAsZero() ? zeros(offset) : Content.DATA;
        }

        /** What zeros at an offset mean to the target. */
        Content zeros(long offset) {
            return backingLength > 0 && offset >= backingLength ? Content.BACKING : Content.ZERO;
        }
    }

    /** Returns what the target wants; the same every time. */
    Needs needs();

    /** Makes what one worker needs to write. */
    Writer writer(int chunkSize);

    /** Ends the target after the last chunk was written. */
    void finish();

    /** A worker's part of writing; used by one thread. */
    interface Writer extends AutoCloseable {
        /** Does what can be done without knowing where the chunk goes. */
        void prepare(Chunk chunk);

        /**
         * Decides where the chunk goes. Called in the order of chunks, for one at a time, if {@link
         * Needs#order} says so.
         */
        void place(Chunk chunk);

        /** Writes the chunk. */
        void write(Chunk chunk);

        @Override
        void close();
    }
}
