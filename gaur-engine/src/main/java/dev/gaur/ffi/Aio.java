package dev.gaur.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/**
 * Linux's asynchronous reads and writes of files that are open with O_DIRECT: many are handed over
 * and taken back with one call each. The C library has no functions for these system calls.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_submit.2.html">io_submit(2)</a>
 */
public final class Aio {
    /** Bytes of a {@code struct iocb}. */
    public static final int REQUEST_BYTES = 64;

    /** Bytes of a {@code struct io_event}. */
    public static final int EVENT_BYTES = 32;

    private static final int PREAD = 0;
    private static final int PWRITE = 1;
    private static final int OPCODE = 16;
    private static final int FD = 20;
    private static final int BUFFER = 24;
    private static final int SIZE = 32;
    private static final int OFFSET = 40;
    private static final int RESULT = 16;

    private static final int RING_BYTES = 32;
    private static final int HEAD = 8;
    private static final int TAIL = 12;
    private static final int MAGIC_AT = 16;
    private static final int MAGIC = 0xa10a10a1;

    private Aio() {}

    /** The numbers of the calls: x86-64 has its own, all newer architectures share theirs. */
    private static final class Numbers {
        static final boolean X86 = "amd64".equals(System.getProperty("os.arch"));
        static final boolean KNOWN = X86 || "aarch64".equals(System.getProperty("os.arch"));
        static final long SETUP = X86 ? 206 : 0;
        static final long DESTROY = X86 ? 207 : 1;
        static final long GETEVENTS = X86 ? 208 : 4;
        static final long SUBMIT = X86 ? 209 : 2;
    }

    /** With the number in 64 bits, unlike Posix's one shape: the function is variadic. */
    private static final class Syscall {
        private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;

        @SuppressWarnings("restricted") // only where Posix is available
        static final MethodHandle HANDLE =
                Linker.nativeLinker()
                        .downcallHandle(
                                Linker.nativeLinker().defaultLookup().find("syscall").orElseThrow(),
                                FunctionDescriptor.of(L, L, L, L, L, L, L));
    }

    /** Does not tell why it failed. */
    private static long call(long number, long a, long b, long c, long d, long e) {
        try {
            return (long) Syscall.HANDLE.invokeExact(number, a, b, c, d, e);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * Makes a context.
     *
     * @param requests how many may be under way
     * @return its name, or 0 if the system has none to give
     */
    public static long setup(int requests) {
        if (!Numbers.KNOWN || !Posix.isAvailable()) {
            return 0;
        }
        MemorySegment name = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);
        long result = call(Numbers.SETUP, requests, name.address(), 0, 0, 0);
        return result == 0 ? Posix.structure(name).getLong(0) : 0;
    }

    /** Ends a context; waits for what is under way. */
    public static void destroy(long context) {
        call(Numbers.DESTROY, context, 0, 0, 0, 0);
    }

    /**
     * Writes a request to read.
     *
     * @param request {@link #REQUEST_BYTES} bytes, which stay in place until it is done
     * @param tag comes back with the result
     */
    public static void putRead(
            MemorySegment request, long tag, int fd, MemorySegment target, long offset) {
        put(request, tag, PREAD, fd, target, offset);
    }

    /** Writes a request to write; as {@link #putRead}. */
    public static void putWrite(
            MemorySegment request, long tag, int fd, MemorySegment source, long offset) {
        put(request, tag, PWRITE, fd, source, offset);
    }

    private static void put(
            MemorySegment request,
            long tag,
            int operation,
            int fd,
            MemorySegment memory,
            long offset) {
        ByteBuffer fields = Posix.structure(request);
        for (int at = 0; at < REQUEST_BYTES; at += Long.BYTES) {
            fields.putLong(at, 0);
        }
        fields.putLong(0, tag);
        fields.putShort(OPCODE, (short) operation);
        fields.putInt(FD, fd);
        fields.putLong(BUFFER, memory.address());
        fields.putLong(SIZE, memory.byteSize());
        fields.putLong(OFFSET, offset);
    }

    /**
     * Hands requests over; may take some only, beginning with the first.
     *
     * @param addresses where they are, 8 bytes each
     * @return how many were taken; below 1 if the first could not be
     */
    public static int submit(long context, MemorySegment addresses, int count) {
        return (int) call(Numbers.SUBMIT, context, count, addresses.address(), 0, 0);
    }

    /**
     * Takes results.
     *
     * @param least how many to wait for
     * @param events room for {@code most} of them
     * @param timeout 16 bytes of zeros not to wait, or {@code NULL}
     * @return how many there are; below 0 if waiting was interrupted
     */
    public static int events(
            long context, int least, int most, MemorySegment events, MemorySegment timeout) {
        long until = timeout.address();
        return (int) call(Numbers.GETEVENTS, context, least, most, events.address(), until);
    }

    /**
     * Returns the beginning of the ring that the kernel shares with the process, where results show
     * before they are taken.
     */
    @SuppressWarnings("restricted") // only where Posix is available
    public static MemorySegment ring(long context) {
        return MemorySegment.ofAddress(context).reinterpret(RING_BYTES);
    }

    /** Tells whether there may be results; never false while there are some for long. */
    public static boolean mayHaveEvents(MemorySegment ring) {
        ByteBuffer fields = Posix.structure(ring);
        return fields.getInt(MAGIC_AT) != MAGIC || fields.getInt(HEAD) != fields.getInt(TAIL);
    }

    /** Returns the tag of the result that lies at {@code index}. */
    public static long tag(MemorySegment events, int index) {
        return Posix.structure(events).getLong(index * EVENT_BYTES);
    }

    /** Returns how many bytes it read or wrote, or {@code -errno}. */
    public static long result(MemorySegment events, int index) {
        return Posix.structure(events).getLong(index * EVENT_BYTES + RESULT);
    }
}
