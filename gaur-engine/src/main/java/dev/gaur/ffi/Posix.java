package dev.gaur.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Linux's system calls on files, as the C library has them. Each returns the call's result, or
 * {@code -errno}; {@code EINTR} is the caller's to handle. Buffers must be native and stay open
 * until the method returns. A call blocks as the kernel's does and holds its carrier if the thread
 * is a virtual one.
 *
 * <p>Each function is linked when it is first called. To be used only if {@link #isAvailable()}.
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

    /** Of ext2 and ext3, too. */
    public static final long EXT4_SUPER_MAGIC = 0xef53;

    public static final long TMPFS_MAGIC = 0x01021994;

    /** A {@code struct statfs} of a 64-bit Linux takes 120. */
    private static final int STATFS_BYTES = 256;

    public static final int F_OFD_GETLK = 36;
    public static final int F_OFD_SETLK = 37;
    public static final short F_RDLCK = 0;
    public static final short F_WRLCK = 1;
    public static final short F_UNLCK = 2;

    /** Everything this class calls. */
    private static final String[] NAMES = {
        "openat",
        "close",
        "pread",
        "pwrite",
        "preadv2",
        "fdatasync",
        "sync_file_range",
        "ftruncate",
        "fallocate",
        "fstatfs",
        "lseek",
        "fcntl",
        "posix_fadvise",
        "statx"
    };

    private static final int AT_FDCWD = -100;

    /**
     * The one shape of all calls. A shape that the JVM has not linked before costs it many
     * milliseconds, a further function of a known one next to nothing. On every 64-bit Linux
     * numbers and pointers are passed in the same registers, and no function looks at a register
     * too many; {@link #number} is for those that want a number where others have a pointer.
     * Variadic ones (openat, fcntl) are no different: x86-64 alone has a further register for them,
     * which says whether there are floating-point arguments to be saved, and does no harm if it
     * says so.
     */
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    /** Functions that also tell errno, linked when one has failed. */
    private static final Map<String, MethodHandle> TELLING = new ConcurrentHashMap<>();

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
    static MethodHandle link(String name, Linker.Option... options) {
        return Linker.nativeLinker()
                .downcallHandle(lookup().find(name).orElseThrow(), SHAPE, options);
    }

    static MemorySegment number(long value) {
        return MemorySegment.ofAddress(value);
    }

    /** Not through layouts: their var handles take as long to link as a function. */
    static ByteBuffer structure(MemorySegment segment) {
        return segment.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    private static MemorySegment text(Arena arena, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment segment = arena.allocate(bytes.length + 1L);
        segment.asByteBuffer().put(bytes);
        return segment;
    }

    // Capturing errno takes as long to link as all else, and a buffer for each call. So it is not
    // done at first; a call that failed is made again to learn why. All may be made twice, but for
    // close.

    static long call(String name, MethodHandle function, int fd, MemorySegment p, long a, long b) {
        try {
            long result = (long) function.invokeExact(fd, p, a, b, 0L);
            return result == -1 ? again(name, false, fd, p, a, b, 0) : result;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /** Calls what returns an {@code int}: the result's upper half is not defined. */
    static int callInt(
            String name, MethodHandle function, int fd, MemorySegment p, long a, long b) {
        try {
            int result = (int) (long) function.invokeExact(fd, p, a, b, 0L);
            return result == -1 ? (int) again(name, true, fd, p, a, b, 0) : result;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static long again(
            String name, boolean isInt, int fd, MemorySegment p, long a, long b, long c)
            throws Throwable {
        MethodHandle function =
                TELLING.computeIfAbsent(
                        name, it -> link(it, Linker.Option.captureCallState("errno")));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
            long result = (long) function.invokeExact(state, fd, p, a, b, c);
            boolean failed = (int) result == -1 && (isInt || result == -1);
            return failed ? -(long) structure(state).getInt(0) : result;
        }
    }

    // ---- signals

    private static final class Raise {
        static final MethodHandle HANDLE = link("raise");
    }

    /**
     * Sends a signal to the calling thread; most end the process, without any cleaning up.
     *
     * @see <a href="https://man7.org/linux/man-pages/man3/raise.3.html">raise(3)</a>
     */
    public static int raise(int signal) {
        try {
            return (int) (long) Raise.HANDLE.invokeExact(signal, MemorySegment.NULL, 0L, 0L, 0L);
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    // ---- open, close

    private static final class Openat {
        static final MethodHandle HANDLE = link("openat");
    }

    /**
     * @param mode permissions of a new file, before the umask
     * @return a file descriptor
     * @see <a href="https://man7.org/linux/man-pages/man2/open.2.html">open(2)</a>
     */
    public static int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = text(arena, path);
            return callInt("openat", Openat.HANDLE, AT_FDCWD, name, flags, mode);
        }
    }

    private static final class Close {
        static final MethodHandle HANDLE = link("close");
    }

    /**
     * The descriptor is gone even if an error is returned. Does not tell why it failed.
     *
     * @return 0 or -1
     * @see <a href="https://man7.org/linux/man-pages/man2/close.2.html">close(2)</a>
     */
    public static int close(int fd) {
        try {
            return (int) (long) Close.HANDLE.invokeExact(fd, MemorySegment.NULL, 0L, 0L, 0L);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    // ---- data

    private static final class Pread {
        static final MethodHandle HANDLE = link("pread");
    }

    /**
     * @return how many bytes were read; 0 at the end of the file
     * @see <a href="https://man7.org/linux/man-pages/man2/pread.2.html">pread(2)</a>
     */
    public static long pread(int fd, MemorySegment target, long offset) {
        return call("pread", Pread.HANDLE, fd, target, target.byteSize(), offset);
    }

    private static final class Pwrite {
        static final MethodHandle HANDLE = link("pwrite");
    }

    /**
     * @return how many bytes were written
     * @see <a href="https://man7.org/linux/man-pages/man2/pwrite.2.html">pwrite(2)</a>
     */
    public static long pwrite(int fd, MemorySegment source, long offset) {
        return call("pwrite", Pwrite.HANDLE, fd, source, source.byteSize(), offset);
    }

    private static final class Preadv2 {
        static final MethodHandle HANDLE = link("preadv2");
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
            long how = flags;
            return (long) Preadv2.HANDLE.invokeExact(fd, vector, 1L, offset, how);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        } finally {
            Reference.reachabilityFence(target);
        }
    }

    /**
     * Tells whether the file system knows {@link #RWF_NOWAIT}: some never do, others only since
     * some version of Linux.
     */
    public static boolean knowsNoWait(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment vector = arena.allocate(ADDRESS, 2);
            vector.set(ADDRESS, 0, arena.allocate(1));
            vector.set(JAVA_LONG, 8, 1);
            long result = again("preadv2", false, fd, vector, 1, 0, RWF_NOWAIT);
            return result != -Errno.EOPNOTSUPP;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Fdatasync {
        static final MethodHandle HANDLE = link("fdatasync");
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/fdatasync.2.html">fdatasync(2)</a>
     */
    public static int fdatasync(int fd) {
        return callInt("fdatasync", Fdatasync.HANDLE, fd, MemorySegment.NULL, 0, 0);
    }

    private static final class SyncFileRange {
        static final MethodHandle HANDLE = link("sync_file_range");
        static final long WRITE = 2;
    }

    /**
     * {@code sync_file_range} with {@code SYNC_FILE_RANGE_WRITE}: starts to write a range to the
     * disk. Nothing is stable by that; what goes wrong {@link #fdatasync} will tell.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/sync_file_range.2.html">its manual
     *     page</a>
     */
    public static void startWriting(int fd, long offset, long length) {
        try {
            MemorySegment from = number(offset);
            long result =
                    (long)
                            SyncFileRange.HANDLE.invokeExact(
                                    fd, from, length, SyncFileRange.WRITE, 0L);
            assert (int) result >= -1;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Fadvise {
        static final MethodHandle HANDLE = link("posix_fadvise");
        static final long WILLNEED = 3;
    }

    /**
     * {@code posix_fadvise} with {@code POSIX_FADV_WILLNEED}: starts to read a range into the page
     * cache.
     *
     * @return whether the system has taken it
     * @see <a
     *     href="https://man7.org/linux/man-pages/man2/posix_fadvise.2.html">posix_fadvise(2)</a>
     */
    public static boolean fadviseWillNeed(int fd, long offset, long length) {
        try {
            MemorySegment from = number(offset);
            return (int) (long) Fadvise.HANDLE.invokeExact(fd, from, length, Fadvise.WILLNEED, 0L)
                    == 0;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    // ---- size and space

    private static final class Ftruncate {
        static final MethodHandle HANDLE = link("ftruncate");
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/ftruncate.2.html">ftruncate(2)</a>
     */
    public static int ftruncate(int fd, long length) {
        return callInt("ftruncate", Ftruncate.HANDLE, fd, number(length), 0, 0);
    }

    private static final class Fallocate {
        static final MethodHandle HANDLE = link("fallocate");
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</a>
     */
    public static int fallocate(int fd, int mode, long offset, long length) {
        return callInt("fallocate", Fallocate.HANDLE, fd, number(mode), offset, length);
    }

    private static final class Fstatfs {
        static final MethodHandle HANDLE = link("fstatfs");
    }

    /**
     * Returns the kind of the file system that a file lies in, as {@link #EXT4_SUPER_MAGIC}, or a
     * negative error.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/fstatfs.2.html">fstatfs(2)</a>
     */
    public static long fstatfsType(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(STATFS_BYTES, Long.BYTES);
            int result = callInt("fstatfs", Fstatfs.HANDLE, fd, answer, 0, 0);
            return result < 0 ? result : structure(answer).getLong(0);
        }
    }

    private static final class Lseek {
        static final MethodHandle HANDLE = link("lseek");
    }

    /**
     * With {@link #SEEK_END}.
     *
     * @return the offset found
     * @see <a href="https://man7.org/linux/man-pages/man2/lseek.2.html">lseek(2)</a>
     */
    public static long lseek(int fd, long offset, int whence) {
        return call("lseek", Lseek.HANDLE, fd, number(offset), whence, 0);
    }

    /**
     * {@code lseek} with {@link #SEEK_DATA} or {@link #SEEK_HOLE}. Does not tell why it failed:
     * where there is no more data that is an answer, and a frequent one.
     *
     * @return the offset found, or -1
     */
    public static long lseekSparse(int fd, long offset, int whence) {
        try {
            long how = whence;
            return (long) Lseek.HANDLE.invokeExact(fd, number(offset), how, 0L, 0L);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static final class Statx {
        static final MethodHandle HANDLE = link("statx");

        static final long BYTES = 256;
        static final long MASK_BLOCKS = 0x400;
        static final int BLOCKS = 48;
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
            MemorySegment name = text(arena, path);
            long result =
                    (long)
                            Statx.HANDLE.invokeExact(
                                    AT_FDCWD, name, 0L, Statx.MASK_BLOCKS, status.address());
            return (int) result == 0
                    ? structure(status).getLong(Statx.BLOCKS) * Statx.BLOCK_BYTES
                    : -1;
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    // ---- locks

    private static final class Fcntl {
        static final MethodHandle HANDLE = link("fcntl");
        static final long FLOCK_BYTES = 32;
        static final int TYPE = 0;
        static final int START = 8;
        static final int LENGTH = 16;
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
            MemorySegment segment = arena.allocate(Fcntl.FLOCK_BYTES, Long.BYTES);
            ByteBuffer flock = structure(segment);
            flock.putShort(Fcntl.TYPE, type); // l_whence 0 is SEEK_SET
            flock.putLong(Fcntl.START, offset);
            flock.putLong(Fcntl.LENGTH, 1);
            int result = callInt("fcntl", Fcntl.HANDLE, fd, number(command), segment.address(), 0);
            return result == 0 && command == F_OFD_GETLK ? flock.getShort(Fcntl.TYPE) : result;
        }
    }
}
