package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Checker;
import dev.gaur.format.qcow2.Qcow2Format;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What a check allocates is bounded: by the clusters in use, and little for each of them. */
class CheckMemoryTest {
    private static final long TIB = 1L << 40;

    @Test
    void sixteenTebibytesTakeLessThanAHundredMebibytes() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (HugeImage image = new HugeImage(16 * TIB)) {
            Checker check = Qcow2Format.INSTANCE.checker(image).orElseThrow();
            long before = threads.getCurrentThreadAllocatedBytes();
            CheckReport report = check.check(CheckListener.NONE);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(report.isClean(), report::toString);
            assertEquals((16 * TIB) >> 16, report.allocatedClusters());
            assertTrue(allocated < 100 << 20, "allocated " + allocated + " bytes");
        }
    }
}
