package dev.gaur.units;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * Reads and writes sizes in the forms that qemu-img uses. Pure functions of their arguments.
 *
 * <p>The forms were found by trying qemu-img 7.2 and are compared with it in the tests.
 */
public final class Sizes {
    private static final String SUFFIXES = "BKMGTPE";
    private static final int BITS_PER_SUFFIX = 10;

    private Sizes() {}

    /**
     * Reads a size in bytes: decimal with an optional fraction and one suffix of {@code b k K M G T
     * P E} (powers of 1024, either case), or hexadecimal with {@code 0x} and without a suffix.
     *
     * @return 0 to {@link Long#MAX_VALUE}
     * @throws SizeException if {@code text} is anything else
     */
    public static long parse(String text) {
        String trimmed = text.stripLeading();
        String number = trimmed.startsWith("+") ? trimmed.substring(1) : trimmed;
        if (number.startsWith("0x") || number.startsWith("0X")) {
            return integer(text, number.substring(2), 16);
        }
        int shift = 0;
        int end = number.length();
        if (end > 0 && !isDigit(number.charAt(end - 1)) && number.charAt(end - 1) != '.') {
            shift = shift(text, number.charAt(--end));
        }
        int point = number.indexOf('.');
        if (point < 0 || point >= end) {
            return scaled(text, integer(text, number.substring(0, end), 10), shift, 0);
        }
        String fraction = number.substring(point + 1, end);
        String whole = number.substring(0, point);
        if (whole.isEmpty() && fraction.isEmpty()) {
            throw new SizeException(text, false);
        }
        return scaled(
                text,
                whole.isEmpty() ? 0 : integer(text, whole, 10),
                shift,
                fraction.isEmpty() ? 0 : fraction(text, fraction));
    }

    /**
     * Reads a size below 2^64, the largest there is elsewhere. What is no {@code long} is read as
     * the largest one.
     *
     * @throws SizeException if the text is no size, or 2^64 or more
     */
    public static long parseClamped(String text) {
        try {
            return parse(text);
        } catch (SizeException wrong) {
            if (wrong.outOfRange() && exact(text).bitLength() <= Long.SIZE) {
                return Long.MAX_VALUE;
            }
            throw wrong;
        }
    }

    /** The bytes of what is a size, but for its range. */
    private static BigInteger exact(String text) {
        String trimmed = text.stripLeading();
        String number = trimmed.startsWith("+") ? trimmed.substring(1) : trimmed;
        if (number.startsWith("0x") || number.startsWith("0X")) {
            return new BigInteger(number.substring(2), 16);
        }
        int last = number.length() - 1;
        boolean scaled = !isDigit(number.charAt(last)) && number.charAt(last) != '.';
        int shift = scaled ? shift(text, number.charAt(last)) : 0;
        BigDecimal whole = new BigDecimal(scaled ? number.substring(0, last) : number);
        return whole.multiply(new BigDecimal(BigInteger.ONE.shiftLeft(shift))).toBigInteger();
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static int shift(String text, char suffix) {
        char upper = suffix >= 'a' ? (char) (suffix - 'a' + 'A') : suffix;
        int power = SUFFIXES.indexOf(upper);
        if (power < 0) {
            throw new SizeException(text, false);
        }
        return power * BITS_PER_SUFFIX;
    }

    private static long integer(String text, String digits, int radix) {
        if (digits.isEmpty()) {
            throw new SizeException(text, false);
        }
        long value = 0;
        boolean outOfRange = false;
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            int digit = c < 0x80 ? Character.digit(c, radix) : -1;
            if (digit < 0) {
                throw new SizeException(text, false);
            }
            outOfRange |= value > (Long.MAX_VALUE - digit) / radix;
            value = value * radix + digit;
        }
        if (outOfRange) {
            throw new SizeException(text, true);
        }
        return value;
    }

    private static double fraction(String text, String digits) {
        for (int i = 0; i < digits.length(); i++) {
            if (!isDigit(digits.charAt(i))) {
                throw new SizeException(text, false);
            }
        }
        return Double.parseDouble("0." + digits);
    }

    /** A fraction is rounded to whole bytes; bytes themselves have none. */
    private static long scaled(String text, long whole, int shift, double fraction) {
        if (fraction != 0 && shift == 0) {
            throw new SizeException(text, false);
        }
        long rest = Math.round(fraction * (1L << shift));
        if (whole > Long.MAX_VALUE >> shift || (whole << shift) > Long.MAX_VALUE - rest) {
            throw new SizeException(text, true);
        }
        return (whole << shift) + rest;
    }

    /**
     * Writes a size with three significant digits and a binary unit: {@code 196 KiB}, {@code 1.5
     * GiB}. From 1000 of a unit on it is the next, so 1000 bytes are {@code 0.977 KiB}; what rounds
     * up to 1000 is {@code 1e+03}, as printf's {@code %.3g} has it.
     *
     * @param bytes at least 0
     */
    public static String human(long bytes) {
        int power = 0;
        while (power < SUFFIXES.length() - 1 && (bytes >> (power * BITS_PER_SUFFIX)) >= 1000) {
            power++;
        }
        String unit = power == 0 ? " B" : " " + SUFFIXES.charAt(power) + "iB";
        return threeDigits(bytes, power * BITS_PER_SUFFIX) + unit;
    }

    /** {@code bytes / 2^shift}, exactly, rounded half to even. */
    private static String threeDigits(long bytes, int shift) {
        long unit = 1L << shift;
        long whole = bytes >> shift;
        int decimals = whole >= 100 ? 0 : whole >= 10 ? 1 : whole >= 1 || shift == 0 ? 2 : 3;
        long digits = whole;
        long rest = bytes & (unit - 1);
        for (int i = 0; i < decimals; i++) {
            digits = digits * 10 + ((rest * 10) >>> shift); // Below 2^64: rest is below 2^60.
            rest = (rest * 10) & (unit - 1);
        }
        long half = unit >> 1;
        if (rest > half || (rest == half && half > 0 && (digits & 1) == 1)) {
            digits++;
        }
        return plain(digits, decimals);
    }

    private static String plain(long digits, int decimals) {
        long significant = digits;
        int places = decimals;
        while (places > 0 && significant % 10 == 0) {
            significant /= 10;
            places--;
        }
        if (places == 0) {
            return significant == 1000 ? "1e+03" : Long.toString(significant);
        }
        String text = Long.toString(significant);
        while (text.length() <= places) {
            text = "0" + text;
        }
        int point = text.length() - places;
        return text.substring(0, point) + "." + text.substring(point);
    }
}
