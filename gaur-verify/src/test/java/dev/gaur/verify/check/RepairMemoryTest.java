package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.format.CheckReport;
import dev.gaur.format.RepairMode;
import dev.gaur.format.Repairer;
import dev.gaur.format.qcow2.Qcow2Format;
import org.junit.jupiter.api.Test;

/** What a repair needs is bounded: by the clusters in use, and little for each of them. */
class RepairMemoryTest {
    private static final long TIB = 1L << 40;
    private static final long BLOCK_CLUSTERS = 32768;

    @Test
    void sixteenTebibytesAreRebuiltWithinTheBound() {
        HeldMemory held = new HeldMemory();
        try (HugeImage image = new HugeImage(16 * TIB, block -> block == 77)) {
            Repairer repairer = Qcow2Format.INSTANCE.repairer(image).orElseThrow();
            CheckReport report = repairer.repair(RepairMode.ALL, held);
            assertTrue(report.isClean(), report::toString);
            assertEquals(BLOCK_CLUSTERS, report.corruptionsFixed());
            assertTrue(image.writtenBytes() > (16 * TIB) >> 15, "" + image.writtenBytes());
        }
        assertTrue(held.most() > 16 << 20, "measured " + held.most() + " bytes");
        assertTrue(held.most() < 160 << 20, "held " + held.most() + " bytes");
    }
}
