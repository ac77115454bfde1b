package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import dev.gaur.verify.Peers;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sizes mean to us what they mean to qemu-img. */
class SizeOracleTest {
    private static final int TEXTS = 150;
    private static final String[] PIECES = {
        "1", "9", "0", "12", "512", "99999", ".", ".5", ".25", ".0", "k", "M", "G", "t", "P", "E",
        "b", "B", "0x", "1f", " ", "+", "-", "e", "x", ","
    };

    /**
     * Left out: numbers beyond 64 bits (refused, but with a suffix in other words); 0x1k, which 7.2
     * accepts with a warning and later ones refuse, and .5k vice versa.
     */
    private static String text(Random random) {
        StringBuilder text = new StringBuilder(random.nextInt(20) == 0 ? "" : "1");
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        String made = random.nextInt(6) == 0 ? "0x" + text.substring(1) : text.toString();
        boolean hex = made.strip().startsWith("0x") || made.contains("+0x");
        return hex || made.startsWith(".") || made.startsWith("-") ? "0x1" : made;
    }

    /** The offset that {@code map} begins at, for it shows that of an empty range. */
    private static String theirs(String text) {
        Peers.Result result =
                Peers.qemuImg("map", "-f", "raw", "--output=json", "-s", text, "/dev/null");
        if (result.status() == 0) {
            return result.out().replaceAll("(?s).*\"start\": (\\d+),.*", "$1");
        }
        return result.err().contains("Must be between") ? "too large" : "no size";
    }

    private static String ours(String text) {
        try {
            return Long.toString(Sizes.parse(text));
        } catch (SizeException e) {
            return e.outOfRange() ? "too large" : "no size";
        }
    }

    @Test
    void anyTextMeansTheSameToBoth() {
        long seed = Long.getLong("gaur.seed", 20261122L);
        var random = new Random(seed);
        for (int i = 0; i < TEXTS; i++) {
            String text = text(random);
            assertEquals(theirs(text), ours(text), "'" + text + "', seed " + seed);
        }
    }
}
