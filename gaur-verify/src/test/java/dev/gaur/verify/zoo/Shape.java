package dev.gaur.verify.zoo;

import java.util.List;

/**
 * How an image is created: QEMU's creation options and what follows from them.
 *
 * @param name short, for test names
 * @param options as for {@code qemu-img create -o}; {@code DATA} stands for a data file's name
 * @param clusterSize bytes
 * @param size virtual bytes
 */
public record Shape(String name, String options, int clusterSize, long size) {
    private static final long MIB = 1 << 20;

    /** Whether compressed clusters may be written. */
    public boolean compresses() {
        return !options.contains("data_file") && !options.contains("preallocation");
    }

    /** Whether the image is of version 3 or later. */
    public boolean isV3() {
        return !options.contains("compat=0.10");
    }

    /** Whether guest data lies in a file of its own. */
    public boolean hasDataFile() {
        return options.contains("data_file");
    }

    /** Whether a backing file is allowed. */
    public boolean overlays() {
        return !options.contains("data_file_raw") && !options.contains("preallocation");
    }

    /** The same with another size. */
    public Shape sized(long newSize) {
        return new Shape(name, options, clusterSize, newSize);
    }

    /** All shapes of the matrix. */
    public static List<Shape> all() {
        return List.of(
                of("v2-64k", "compat=0.10", 64 << 10, 4 * MIB),
                of("v2-512", "compat=0.10,cluster_size=512", 512, MIB),
                of("v2-2m", "compat=0.10,cluster_size=2M", 2 << 20, 16 * MIB + 512),
                of("512", "cluster_size=512", 512, MIB + 512),
                of("1k", "cluster_size=1k", 1 << 10, MIB),
                of("4k", "cluster_size=4k", 4 << 10, 3 * MIB + 1024),
                of("16k", "cluster_size=16k", 16 << 10, 4 * MIB),
                of("64k", "", 64 << 10, 8 * MIB),
                of("256k", "cluster_size=256k", 256 << 10, 8 * MIB - 512),
                of("2m", "cluster_size=2M", 2 << 20, 24 * MIB),
                of("rc1", "refcount_bits=1", 64 << 10, 4 * MIB),
                of("rc2", "refcount_bits=2,cluster_size=4k", 4 << 10, 2 * MIB),
                of("rc4", "refcount_bits=4,cluster_size=512", 512, MIB),
                of("rc8", "refcount_bits=8", 64 << 10, 4 * MIB),
                of("rc32", "refcount_bits=32,cluster_size=1k", 1 << 10, 2 * MIB),
                of("rc64", "refcount_bits=64", 64 << 10, 4 * MIB),
                of("rc64-512", "refcount_bits=64,cluster_size=512", 512, MIB),
                of("ext-16k", "extended_l2=on,cluster_size=16k", 16 << 10, 2 * MIB + 1536),
                of("ext-64k", "extended_l2=on", 64 << 10, 4 * MIB),
                of("ext-128k", "extended_l2=on,cluster_size=128k", 128 << 10, 8 * MIB),
                of("ext-2m", "extended_l2=on,cluster_size=2M", 2 << 20, 16 * MIB),
                of("lazy", "lazy_refcounts=on", 64 << 10, 4 * MIB),
                of("zstd-4k", "compression_type=zstd,cluster_size=4k", 4 << 10, 2 * MIB),
                of("zstd", "compression_type=zstd", 64 << 10, 4 * MIB),
                of("zstd-2m", "compression_type=zstd,cluster_size=2M", 2 << 20, 16 * MIB),
                of("zstd-ext", "compression_type=zstd,extended_l2=on", 64 << 10, 4 * MIB),
                of("data", "data_file=DATA", 64 << 10, 4 * MIB),
                of("data-raw", "data_file=DATA,data_file_raw=on", 64 << 10, 4 * MIB),
                of("data-ext", "data_file=DATA,extended_l2=on", 64 << 10, 4 * MIB),
                of("pre-meta", "preallocation=metadata", 64 << 10, 4 * MIB),
                of("pre-falloc", "preallocation=falloc,cluster_size=4k", 4 << 10, 2 * MIB),
                of("pre-full", "preallocation=full", 64 << 10, 2 * MIB),
                of("pre-ext", "preallocation=metadata,extended_l2=on", 64 << 10, 4 * MIB));
    }

    private static Shape of(String name, String options, int clusterSize, long size) {
        return new Shape(name, options, clusterSize, size);
    }
}
