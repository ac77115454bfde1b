package dev.gaur.codec;

import java.util.Arrays;
import java.util.Optional;

/**
 * The two ways in which a qcow2 cluster can be compressed.
 *
 * @see <a href="https://www.qemu.org/docs/master/interop/qcow2.html">qcow2 specification, header
 *     field "compression_type"</a>
 */
public enum Compression {
    /**
     * Raw deflate (RFC 1951) without wrapper, distances within 4 KiB.
     *
     * <p>Levels 1 to 9. At 6 the output is as long as QEMU's, which has zlib's level 6. Up to 3,
     * speed comes first: ten times QEMU's, for files less than a tenth larger.
     */
    DEFLATE("zlib", 1, 9),

    /** Zstandard frames (RFC 8878) with content size and without checksum; levels are libzstd's. */
    ZSTD("zstd", 3, 19);

    private final String optionValue;
    private final int defaultLevel;
    private final int maxLevel;

    Compression(String optionValue, int defaultLevel, int maxLevel) {
        this.optionValue = optionValue;
        this.defaultLevel = defaultLevel;
        this.maxLevel = maxLevel;
    }

    /** The number that stands in a qcow2 header. */
    public int number() {
        return ordinal();
    }

    /** The value of QEMU's {@code compression_type} option. */
    public String optionValue() {
        return optionValue;
    }

    /** The level that is used when none is asked for; from 1 to {@link #maxLevel}. */
    public int defaultLevel() {
        return defaultLevel;
    }

    /** The highest level; the lowest is 1. */
    public int maxLevel() {
        return maxLevel;
    }

    /** Finds what a qcow2 header's number stands for. */
    public static Optional<Compression> ofNumber(int number) {
        return Arrays.stream(values()).filter(it -> it.number() == number).findFirst();
    }

    /** Finds what a value of QEMU's {@code compression_type} option stands for. */
    public static Optional<Compression> ofOptionValue(String value) {
        return Arrays.stream(values()).filter(it -> it.optionValue.equals(value)).findFirst();
    }
}
