package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.format.CheckReport;
import dev.gaur.format.Checker;
import dev.gaur.format.qcow2.Qcow2Format;
import org.junit.jupiter.api.Test;

/** What a check holds is bounded: by the clusters in use, and little for each of them. */
class CheckMemoryTest {
    private static final long TIB = 1L << 40;

    @Test
    void sixteenTebibytesTakeLessThanAHundredMebibytes() {
        HeldMemory held = new HeldMemory();
        try (HugeImage image = new HugeImage(16 * TIB)) {
            Checker check = Qcow2Format.INSTANCE.checker(image).orElseThrow();
            CheckReport report = check.check(held);
            assertTrue(report.isClean(), report::toString);
            assertEquals((16 * TIB) >> 16, report.allocatedClusters());
            assertTrue(held.most() > 1 << 20, "measured " + held.most() + " bytes");
            assertTrue(held.most() < 100 << 20, "held " + held.most() + " bytes");
        }
    }
}
