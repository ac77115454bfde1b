package dev.gaur.format;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How much of a new image is set aside when it is created. */
public enum Preallocation {
    /** Nothing: the image grows as it is written. */
    OFF,
    /** Mapping tables for the whole disk; the file is long but sparse. */
    METADATA,
    /** Space for everything, without writing it. */
    FALLOC,
    /** Zeros are written everywhere. */
    FULL;

    /** Returns the value of QEMU's {@code preallocation} option. */
    public String optionValue() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Finds what a value of QEMU's {@code preallocation} option stands for. */
    public static Optional<Preallocation> ofOptionValue(String value) {
        return Arrays.stream(values()).filter(each -> each.optionValue().equals(value)).findFirst();
    }
}
