package dev.gaur.format.qcow2;

import dev.gaur.format.Compressing;
import java.lang.foreign.MemorySegment;

/** Compressed writes of an open image. */
record ImageCompressing(LiveHeader header, Change change) implements Compressing {
    /** How the image is changed. */
    interface Change {
        void write(long offset, MemorySegment source);
    }

    @Override
    public int unit() {
        return 1 << header.get().clusterBits();
    }

    @Override
    public void writeCompressed(long offset, MemorySegment source) {
        change.write(offset, source);
    }
}
