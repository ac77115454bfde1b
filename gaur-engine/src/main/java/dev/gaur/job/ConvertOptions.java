package dev.gaur.job;

/**
 * How to convert.
 *
 * @param sparseBytes runs of so many zero bytes become holes, a multiple of 512; 0 allocates
 *     everything
 * @param workers how many threads work
 * @param bytesPerSecond upper bound of reading, 0 for none
 * @param salvage what cannot be read becomes zeros, with a warning, sector by sector
 */
public record ConvertOptions(int sparseBytes, int workers, long bytesPerSecond, boolean salvage) {
    /** qemu-img's default: 4 KiB. */
    public static final int DEFAULT_SPARSE_BYTES = 4096;

    /**
     * As many workers as processors, and at least two, so that one reads while another writes. More
     * only push each other's bytes out of the caches.
     */
    public static final ConvertOptions DEFAULT =
            new ConvertOptions(
                    DEFAULT_SPARSE_BYTES,
                    Math.max(2, Runtime.getRuntime().availableProcessors()),
                    0,
                    false);

    /** Returns these options with another size of the zeros that become holes. */
    public ConvertOptions withSparseBytes(int bytes) {
        return new ConvertOptions(bytes, workers, bytesPerSecond, salvage);
    }

    /** Returns these options with another number of threads. */
    public ConvertOptions withWorkers(int count) {
        return new ConvertOptions(sparseBytes, count, bytesPerSecond, salvage);
    }

    /** Returns these options with a bound for the speed, 0 for none. */
    public ConvertOptions withBytesPerSecond(long bytes) {
        return new ConvertOptions(sparseBytes, workers, bytes, salvage);
    }

    /** Returns these options with or without salvaging. */
    public ConvertOptions withSalvage(boolean on) {
        return new ConvertOptions(sparseBytes, workers, bytesPerSecond, on);
    }
}
