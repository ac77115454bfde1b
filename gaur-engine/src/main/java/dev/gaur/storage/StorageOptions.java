package dev.gaur.storage;

/**
 * How storage is opened.
 *
 * @param writable for writing too
 * @param direct asks for reads and writes past the page cache (O_DIRECT); advice, which no driver
 *     follows yet
 * @param shared without taking locks against other writers (QEMU's {@code force-share}); only for
 *     reading
 */
public record StorageOptions(boolean writable, boolean direct, boolean shared) {
    /** For reading, through the page cache, with locks. */
    public static final StorageOptions READ = new StorageOptions(false, false, false);

    /** For reading and writing, through the page cache, with locks. */
    public static final StorageOptions WRITE = new StorageOptions(true, false, false);
}
