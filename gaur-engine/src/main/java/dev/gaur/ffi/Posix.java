package dev.gaur.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.util.stream.Stream;

/**
 * Linux's system calls on files, as the C library has them. Each returns the call's result, or
 * {@code -errno}; {@code EINTR} is the caller's to handle. Buffers must be native and stay open
 * until the method returns. A call blocks as the kernel's does and holds its carrier if the thread
 * is a virtual one.
 *
 * <p>Each function is linked when it is first called: linking costs milliseconds. To be used only
 * if {@link #isAvailable()}.
 */
public final class Posix {

    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0100;
    public static final int O_CLOEXEC = 02000000;

    /** Differs between processors; 0 where it is not known. */
    public static final int O_DIRECT =
            switch (System.getProperty("os.arch")) {
                case "amd64", "x86_64" -> 040000;
                case "aarch64" -> 0200000;
                case null, default -> 0;
            };

    public static final int RWF_NOWAIT = 8;

    public static final int SEEK_END = 2;
    public static final int SEEK_DATA = 3;
    public static final int SEEK_HOLE = 4;

    public static final int FALLOC_FL_KEEP_SIZE = 1;
    public static final int FALLOC_FL_PUNCH_HOLE = 2;
    public static final int FALLOC_FL_ZERO_RANGE = 16;

    public static final int F_OFD_GETLK = 36;
    public static final int F_OFD_SETLK = 37;
    public static final short F_RDLCK = 0;
    public static final short F_WRLCK = 1;
    public static final short F_UNLCK = 2;

    /** Everything this class calls. */
    private static final String[] NAMES = {
        "open",
        "close",
        "pread",
        "pwrite",
        "preadv2",
        "fdatasync",
        "ftruncate",
        "fallocate",
        "lseek",
        "fcntl",
        "statx"
    };

    private static final int AT_FDCWD = -100;

    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final Linker.Option VARIADIC = Linker.Option.firstVariadicArg(2);
    private static final VarHandle ERRNO_VALUE =
            Linker.Option.captureStateLayout()
                    .varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private Posix() {}

    private static final class Available {
        static final boolean ANSWER =
                NativeAccess.isAllowed()
                        && Stream.of(NAMES).allMatch(name -> lookup().find(name).isPresent());
    }

    /** Whether native access is allowed and the C library has all these functions. */
    public static boolean isAvailable() {
        return Available.ANSWER;
    }

    private static SymbolLookup lookup() {
        return Linker.nativeLinker().defaultLookup();
    }

    @SuppressWarnings("restricted") // isAvailable() says whether native access was enabled
    private static MethodHandle link(
            String name, FunctionDescriptor type, Linker.Option... options) {
        return Linker.nativeLinker()
                .downcallHandle(lookup().find(name).orElseThrow(), type, options);
    }

    private static MemorySegment callState(Arena arena) {
        return arena.allocate(Linker.Option.captureStateLayout());
    }

    private static long result(long result, MemorySegment state) {
        return result == -1 ? -(long) (int) ERRNO_VALUE.get(state, 0L) : result;
    }

    // ---- signals

    private static final class Raise {
        static final MethodHandle HANDLE = link("raise", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    }

    /**
     * Sends a signal to the calling thread; most end the process, without any cleaning up.
     *
     * @see <a href="https://man7.org/linux/man-pages/man3/raise.3.html">raise(3)</a>
     */
    public static int raise(int signal) {
        try {
            return (int) Raise.HANDLE.invokeExact(signal);
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    // ---- open, close

    private static final class Open {
        static final MethodHandle HANDLE =
                link(
                        "open",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT),
                        ERRNO,
                        VARIADIC);
    }

    /**
     * @param mode permissions of a new file, before the umask
     * @return a file descriptor
     * @see <a href="https://man7.org/linux/man-pages/man2/open.2.html">open(2)</a>
     */
    public static int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            int result =
                    (int) Open.HANDLE.invokeExact(state, arena.allocateFrom(path), flags, mode);
            return (int) result(result, state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Close {
        static final MethodHandle HANDLE =
                link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), ERRNO);
    }

    /**
     * The descriptor is gone even if an error is returned.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/close.2.html">close(2)</a>
     */
    public static int close(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            return (int) result((int) Close.HANDLE.invokeExact(state, fd), state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    // ---- data

    private static final FunctionDescriptor TRANSFER =
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);

    // The fast handles do not capture errno, which would cost a buffer for each call. If they fail,
    // the same request is made again to learn why; it names its offset, so twice does no harm.
    private static final class Pread {
        static final MethodHandle FAST = link("pread", TRANSFER);

        static final class Slow {
            static final MethodHandle HANDLE = link("pread", TRANSFER, ERRNO);
        }
    }

    /**
     * @return how many bytes were read; 0 at the end of the file
     * @see <a href="https://man7.org/linux/man-pages/man2/pread.2.html">pread(2)</a>
     */
    public static long pread(int fd, MemorySegment target, long offset) {
        try {
            long size = target.byteSize();
            long result = (long) Pread.FAST.invokeExact(fd, target, size, offset);
            if (result >= 0) {
                return result;
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = callState(arena);
                result = (long) Pread.Slow.HANDLE.invokeExact(state, fd, target, size, offset);
                return result(result, state);
            }
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Pwrite {
        static final MethodHandle FAST = link("pwrite", TRANSFER);

        static final class Slow {
            static final MethodHandle HANDLE = link("pwrite", TRANSFER, ERRNO);
        }
    }

    /**
     * @return how many bytes were written
     * @see <a href="https://man7.org/linux/man-pages/man2/pwrite.2.html">pwrite(2)</a>
     */
    public static long pwrite(int fd, MemorySegment source, long offset) {
        try {
            long size = source.byteSize();
            long result = (long) Pwrite.FAST.invokeExact(fd, source, size, offset);
            if (result >= 0) {
                return result;
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = callState(arena);
                result = (long) Pwrite.Slow.HANDLE.invokeExact(state, fd, source, size, offset);
                return result(result, state);
            }
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Preadv2 {
        static final MethodHandle HANDLE =
                link(
                        "preadv2",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT));
        static final ThreadLocal<MemorySegment> VECTOR =
                ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(ADDRESS, 2));
    }

    /**
     * With one buffer. Does not tell why it failed: with {@link #RWF_NOWAIT} nobody asks.
     *
     * @return how many bytes were read, or -1
     * @see <a href="https://man7.org/linux/man-pages/man2/preadv2.2.html">preadv2(2)</a>
     */
    public static long preadv2(int fd, MemorySegment target, long offset, int flags) {
        MemorySegment vector = Preadv2.VECTOR.get();
        vector.set(ADDRESS, 0, target); // refuses heap buffers
        vector.set(JAVA_LONG, 8, target.byteSize());
        try {
            return (long) Preadv2.HANDLE.invokeExact(fd, vector, 1, offset, flags);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        } finally {
            Reference.reachabilityFence(target);
        }
    }

    private static final class Fdatasync {
        static final MethodHandle HANDLE =
                link("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT), ERRNO);
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/fdatasync.2.html">fdatasync(2)</a>
     */
    public static int fdatasync(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            return (int) result((int) Fdatasync.HANDLE.invokeExact(state, fd), state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    // ---- size and space

    private static final class Ftruncate {
        static final MethodHandle HANDLE =
                link("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG), ERRNO);
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/ftruncate.2.html">ftruncate(2)</a>
     */
    public static int ftruncate(int fd, long length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            return (int) result((int) Ftruncate.HANDLE.invokeExact(state, fd, length), state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Fallocate {
        static final MethodHandle HANDLE =
                link(
                        "fallocate",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
                        ERRNO);
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</a>
     */
    public static int fallocate(int fd, int mode, long offset, long length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            int result = (int) Fallocate.HANDLE.invokeExact(state, fd, mode, offset, length);
            return (int) result(result, state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Lseek {
        static final MethodHandle HANDLE =
                link(
                        "lseek",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT),
                        ERRNO);
    }

    /**
     * @return the offset found
     * @see <a href="https://man7.org/linux/man-pages/man2/lseek.2.html">lseek(2)</a>
     */
    public static long lseek(int fd, long offset, int whence) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            return result((long) Lseek.HANDLE.invokeExact(state, fd, offset, whence), state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Statx {
        /** No errno: of the two callers, one needs none and the other has just opened the file. */
        static final MethodHandle HANDLE =
                link(
                        "statx",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));

        static final long BYTES = 256;
        static final int MASK_BLOCKS = 0x400;
        static final long BLOCKS = 48;
        static final int BLOCK_BYTES = 512;
    }

    /**
     * {@code statx}: how many bytes of its file system a file takes up.
     *
     * @return -1 if that cannot be told
     * @see <a href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</a>
     */
    public static long statxAllocatedBytes(String path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(Statx.BYTES, Long.BYTES);
            int result =
                    (int)
                            Statx.HANDLE.invokeExact(
                                    AT_FDCWD,
                                    arena.allocateFrom(path),
                                    0,
                                    Statx.MASK_BLOCKS,
                                    status);
            return result == 0 ? status.get(JAVA_LONG, Statx.BLOCKS) * Statx.BLOCK_BYTES : -1;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    // ---- locks

    private static final class Fcntl {
        static final MethodHandle HANDLE =
                link(
                        "fcntl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS),
                        ERRNO,
                        VARIADIC);
        static final long FLOCK_BYTES = 32;
        static final long TYPE = 0;
        static final long START = 8;
        static final long LENGTH = 16;
    }

    /**
     * {@code fcntl} with a {@code struct flock} of one byte.
     *
     * @param command {@link #F_OFD_SETLK} or {@link #F_OFD_GETLK}
     * @param type of the lock wanted
     * @return 0 or -errno; for {@link #F_OFD_GETLK} the type of the lock in the way, {@link
     *     #F_UNLCK} if none
     * @see <a href="https://man7.org/linux/man-pages/man2/fcntl_locking.2.html">fcntl(2)</a>
     */
    public static int fcntl(int fd, int command, short type, long offset) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = callState(arena);
            MemorySegment flock = arena.allocate(Fcntl.FLOCK_BYTES, Long.BYTES);
            flock.set(JAVA_SHORT, Fcntl.TYPE, type); // l_whence 0 is SEEK_SET
            flock.set(JAVA_LONG, Fcntl.START, offset);
            flock.set(JAVA_LONG, Fcntl.LENGTH, 1);
            int result = (int) Fcntl.HANDLE.invokeExact(state, fd, command, flock);
            return result == 0 && command == F_OFD_GETLK
                    ? flock.get(JAVA_SHORT, Fcntl.TYPE)
                    : (int) result(result, state);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }
}
