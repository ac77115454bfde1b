package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A native buffer with guard bytes on both sides, which show writes outside of it. */
final class GuardedBuffer {

    private static final int GUARD_BYTES = 512;
    private static final byte GUARD = (byte) 0xa7;

    private final MemorySegment all;
    private final MemorySegment inner;

    GuardedBuffer(Arena arena, long size) {
        all = arena.allocate(GUARD_BYTES + size + GUARD_BYTES);
        all.fill(GUARD);
        inner = all.asSlice(GUARD_BYTES, size);
    }

    /** The first bytes of the buffer, with guards right after them. */
    MemorySegment prefix(long size) {
        all.fill(GUARD);
        return inner.asSlice(0, size);
    }

    void assertUntouchedOutside(MemorySegment prefix, String message) {
        assertGuard(all.asSlice(0, GUARD_BYTES), message + ": wrote before the buffer");
        long end = GUARD_BYTES + prefix.byteSize();
        assertGuard(all.asSlice(end), message + ": wrote after the buffer");
    }

    private static void assertGuard(MemorySegment guard, String message) {
        for (long i = 0; i < guard.byteSize(); i++) {
            assertEquals(GUARD, guard.get(ValueLayout.JAVA_BYTE, i), message);
        }
    }
}
