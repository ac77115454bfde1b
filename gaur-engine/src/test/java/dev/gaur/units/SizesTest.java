package dev.gaur.units;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1, 1",
        "1b, 1",
        "1B, 1",
        "1k, 1024",
        "1K, 1024",
        "3M, 3145728",
        "2g, 2147483648",
        "1T, 1099511627776",
        "1P, 1125899906842624",
        "7E, 8070450532247928832",
        "1e, 1152921504606846976",
        "1.5k, 1536",
        "1.k, 1024",
        "1., 1",
        ".5k, 512",
        "1.0, 1",
        "0.0001k, 0",
        "1.2345k, 1264",
        "0.00048828125k, 1",
        "010, 10",
        "+5, 5",
        "0x1000, 4096",
        "0XfF, 255",
        "9223372036854775807, 9223372036854775807",
        "0x7fffffffffffffff, 9223372036854775807",
        "' 1k', 1024"
    })
    void sizesAreRead(String text, long bytes) {
        assertEquals(bytes, Sizes.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", " ", "1 ", "k", ".", ".k", "-1", "-0", "1x", "1kk", "1e5", "1.5", "1.5b",
                "1.5e3", "0x", "0x1k", "0x1.8", "1.0x10", "nan", "inf", "1 k", "1,5k", "+-1", "++1",
                "1_0", "\u0661", "1\u212a"
            })
    void whatIsNoSizeIsRefused(String text) {
        assertFalse(assertThrows(SizeException.class, () -> Sizes.parse(text)).outOfRange());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8E",
                "9223372036854775808",
                "18446744073709551616",
                "99999999999999999999999999",
                "0x8000000000000000",
                "7.99999999999999999999999E",
                "8388608T"
            })
    void whatIsTooLargeIsToldApart(String text) {
        assertTrue(assertThrows(SizeException.class, () -> Sizes.parse(text)).outOfRange());
    }

    @Test
    void everyMultipleOfASuffixIsRead() {
        long seed = Long.getLong("gaur.seed", 20261122L);
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            int power = random.nextInt(7);
            long count = random.nextLong(Long.MAX_VALUE >> (10 * power));
            String text = count + "BKMGTPE".substring(power, power + 1);
            assertEquals(count << (10 * power), Sizes.parse(text), text + ", seed " + seed);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1, 1 B",
        "512, 512 B",
        "999, 999 B",
        "1000, 0.977 KiB",
        "1023, 0.999 KiB",
        "1024, 1 KiB",
        "1536, 1.5 KiB",
        "200704, 196 KiB",
        "1023692, 1e+03 KiB",
        "1024000, 0.977 MiB",
        "10229, 9.99 KiB",
        "10235, 10 KiB",
        "1073741824, 1 GiB",
        "9223372036854775807, 8 EiB"
    })
    void sizesForPeopleHaveThreeDigits(long bytes, String text) {
        assertEquals(text, Sizes.human(bytes));
    }

    /**
     * Printf's {@code %.3g} of the C library is the model; Java's own rounds half up, so no ties.
     */
    @Test
    void threeDigitsAreThoseOfTheExactQuotient() {
        long seed = Long.getLong("gaur.seed", 20261122L);
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            long bytes = random.nextLong() >>> (1 + random.nextInt(62));
            int power = 0;
            while (bytes >> (10 * power) >= 1000) {
                power++;
            }
            double quotient = (double) bytes / (1L << (10 * power));
            double shown = Double.parseDouble(Sizes.human(bytes).split(" ")[0]);
            double rounded = Double.parseDouble(String.format(Locale.ROOT, "%.2e", quotient));
            double tie = quotient == 0 ? 0 : Math.abs(Math.abs(shown - rounded) / quotient);
            assertTrue(
                    shown == rounded || (tie < 0.011 && isTie(quotient)),
                    bytes + ": " + Sizes.human(bytes) + ", seed " + seed);
        }
    }

    private static boolean isTie(double quotient) {
        double scaled = quotient;
        while (scaled < 100) {
            scaled *= 10;
        }
        return Math.abs(scaled - Math.floor(scaled) - 0.5) < 1e-9;
    }
}
