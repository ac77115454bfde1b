package dev.gaur.mem;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Native memory full of zeros, to be written somewhere: one for the whole process, made when it is
 * first asked for. Where there was no memory for it there may be some the next time.
 */
public final class Zeros {
    /** How many there are. */
    public static final int SIZE = 1 << 20;

    private static volatile @Nullable MemorySegment bytes;

    private Zeros() {}

    /** Returns all of them, for reading only. */
    public static MemorySegment bytes() {
        MemorySegment made = bytes;
        if (made == null) {
            made = BufferPool.allocate(SIZE).asReadOnly();
            bytes = made; // If two threads make one, one of them is collected.
        }
        return made;
    }
}
