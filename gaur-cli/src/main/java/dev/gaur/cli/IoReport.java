package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Numbers, dumps and reports as qemu-io writes them, and the numbers it reads. */
final class IoReport {
    /** The longest request: what fits an int in whole sectors. */
    static final long REQUEST_MAX = 2147483136L;

    static final int SECTOR = 512;

    private static final String UNITS = "KMGTPE";
    private static final int PER_LINE = 16;
    private static final double NANOS = 1e9;

    private IoReport() {}

    /** Reads an offset or a length. */
    static long number(String text) {
        try {
            return Sizes.parse(text);
        } catch (SizeException e) {
            String reason =
                    e.outOfRange()
                            ? "argument too large"
                            : "non-numeric argument, or extraneous/unrecognized suffix";
            throw IoFailure.told("Parsing error: " + reason + " -- " + text);
        }
    }

    /** Reads a length of a request. */
    static long length(String text) {
        long length = number(text);
        if (length > REQUEST_MAX) {
            throw IoFailure.told("length cannot exceed " + REQUEST_MAX + ", given " + text);
        }
        return length;
    }

    /** Reads the lengths of the parts of one request, and returns their sum. */
    static long lengths(List<String> texts) {
        long sum = 0;
        for (String text : texts) {
            long length = number(text);
            if (length > REQUEST_MAX) {
                throw IoFailure.told("Argument '" + text + "' exceeds maximum size " + REQUEST_MAX);
            }
            sum += length;
            if (sum > REQUEST_MAX) {
                throw IoFailure.told(
                        "The total number of bytes exceed the maximum size " + REQUEST_MAX);
            }
        }
        return sum;
    }

    /** Reads the byte that a buffer is filled with, as C reads numbers. */
    static byte pattern(String text) {
        Long number = cNumber(text);
        if (number == null || number < 0 || number > 0xff) {
            throw IoFailure.told(text + " is not a valid pattern byte");
        }
        return (byte) number.longValue();
    }

    /** Reads a number as strtol(3) does: decimal, octal with 0, hexadecimal with 0x. */
    static @Nullable Long cNumber(String text) {
        try {
            return text.isEmpty() ? null : Long.decode(text);
        } catch (NumberFormatException _) {
            return null;
        }
    }

    /** Refuses what does not begin at a sector. */
    static void requireSectors(long value, String what) {
        if (value % SECTOR != 0) {
            throw IoFailure.told(value + " is not a sector-aligned value for '" + what + "'");
        }
    }

    /** Writes a size with up to three decimals and a unit. */
    static String size(double bytes) {
        int power = 0;
        double value = bytes;
        while (power < UNITS.length() && value >= 1024) {
            value /= 1024;
            power++;
        }
        String digits = fixed(value, power == 0 ? 6 : 3);
        int zeros = digits.indexOf(".000");
        String unit = power == 0 ? " bytes" : " " + UNITS.charAt(power - 1) + "iB";
        return (zeros < 0 ? digits : digits.substring(0, zeros)) + unit;
    }

    /** As C's {@code %.nf} writes it. */
    private static String fixed(double value, int decimals) {
        return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
    }

    /**
     * Tells what a request did and how fast.
     *
     * @param doing what it did, such as {@code wrote}
     * @param machine in the form for programs
     */
    static String of(String doing, long offset, long length, long nanos, boolean machine) {
        double seconds = Math.max(1, nanos) / NANOS;
        double rate = length / seconds;
        double requests = 1 / seconds;
        if (machine) {
            return length
                    + ",1,"
                    + clock(seconds)
                    + ","
                    + fixed(rate, 3)
                    + ","
                    + fixed(requests, 3)
                    + "\n";
        }
        return doing
                + " "
                + length
                + "/"
                + length
                + " bytes at offset "
                + offset
                + "\n"
                + size(length)
                + ", 1 ops; "
                + (seconds >= 1 ? clock(seconds) : "0" + fixed(seconds, 2) + " sec")
                + " ("
                + size(rate)
                + "/sec and "
                + fixed(requests, 4)
                + " ops/sec)\n";
    }

    private static String clock(double seconds) {
        long hundredths = (long) (seconds * 100);
        long whole = hundredths / 100;
        return whole / 3600
                + ":"
                + two(whole / 60 % 60)
                + ":"
                + two(whole % 60)
                + "."
                + two(hundredths % 100);
    }

    private static String two(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }

    /** Shows bytes, sixteen to a line, with their offset. */
    static String dump(long offset, MemorySegment bytes) {
        StringBuilder text = new StringBuilder();
        byte[] line = new byte[PER_LINE];
        for (long at = 0; at < bytes.byteSize(); at += PER_LINE) {
            int count = (int) Math.min(PER_LINE, bytes.byteSize() - at);
            MemorySegment.copy(bytes, at, MemorySegment.ofArray(line), 0, count);
            hex(text, offset + at, 8);
            text.append(":  ");
            for (int i = 0; i < count; i++) {
                hex(text, line[i] & 0xff, 2);
                text.append(' ');
            }
            text.append(' ');
            for (int i = 0; i < count; i++) {
                char c = (char) (line[i] & 0xff);
                text.append(c < 0x80 && Character.isLetterOrDigit(c) ? c : '.');
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static void hex(StringBuilder text, long value, int digits) {
        String hex = Long.toHexString(value);
        for (int i = hex.length(); i < digits; i++) {
            text.append('0');
        }
        text.append(hex);
    }

    /** Why a request failed, in the C library's words. */
    static String reason(RuntimeException failure) {
        return switch (failure) {
            case IndexOutOfBoundsException _ -> "Input/output error";
            case BlockException block -> ErrorText.errorName(block);
            default -> throw failure;
        };
    }
}
