package dev.gaur.storage;

/**
 * How storage is opened.
 *
 * @param writable for writing too
 * @param direct asks for requests past the page cache (O_DIRECT); followed by system calls, which
 *     refuse where the file system has none; Java's channels go through the cache
 * @param shared without taking locks against other writers (QEMU's {@code force-share}); only for
 *     reading
 * @param noFlush flushes do nothing, and no write waits for the disk ({@code cache.no-flush})
 * @param locking whether locks are taken at all ({@code locking=off} is false)
 */
public record StorageOptions(
        boolean writable, boolean direct, boolean shared, boolean noFlush, boolean locking) {
    /** For reading, through the page cache, with locks. */
    public static final StorageOptions READ = new StorageOptions(false, false, false);

    /** For reading and writing, through the page cache, with locks. */
    public static final StorageOptions WRITE = new StorageOptions(true, false, false);

    /** Flushes flush, and locks are taken unless shared. */
    public StorageOptions(boolean writable, boolean direct, boolean shared) {
        this(writable, direct, shared, false, true);
    }

    /** The same for writing too, or not. */
    public StorageOptions withWritable(boolean other) {
        return new StorageOptions(other, direct, shared, noFlush, locking);
    }

    /** The same past the page cache, or not. */
    public StorageOptions withDirect(boolean other) {
        return new StorageOptions(writable, other, shared, noFlush, locking);
    }

    /** The same without flushes, or with them. */
    public StorageOptions withNoFlush(boolean other) {
        return new StorageOptions(writable, direct, shared, other, locking);
    }

    /** The same with locks, or without any. */
    public StorageOptions withLocking(boolean other) {
        return new StorageOptions(writable, direct, shared, noFlush, other);
    }
}
