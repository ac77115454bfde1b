package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.RepairMode;
import dev.gaur.format.Repairer;
import dev.gaur.format.qcow2.Qcow2Format;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What a repair needs is bounded: by the clusters in use, and little for each of them. */
class RepairMemoryTest {
    private static final long TIB = 1L << 40;
    private static final long BLOCK_CLUSTERS = 32768;

    @Test
    void sixteenTebibytesAreRebuiltWithinTheBound() {
        AtomicLong most = new AtomicLong();
        System.gc();
        long before = used();
        CheckListener listener =
                new CheckListener() {
                    private long calls;

                    @Override
                    public void found(CheckFinding finding) {}

                    @Override
                    public void progress(long done, long total) {
                        if (calls++ % 512 == 0) {
                            System.gc();
                            most.accumulateAndGet(used() - before, Math::max);
                        }
                    }
                };
        try (HugeImage image = new HugeImage(16 * TIB, block -> block == 77)) {
            Repairer repairer = Qcow2Format.INSTANCE.repairer(image).orElseThrow();
            CheckReport report = repairer.repair(RepairMode.ALL, listener);
            assertTrue(report.isClean(), report::toString);
            assertEquals(BLOCK_CLUSTERS, report.corruptionsFixed());
            assertTrue(image.writtenBytes() > (16 * TIB) >> 15, "" + image.writtenBytes());
        }
        assertTrue(most.get() > 16 << 20, "measured " + most + " bytes");
        assertTrue(most.get() < 160 << 20, "held " + most + " bytes");
    }

    private static long used() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(RepairMemoryTest::usedAfterCollection)
                .sum();
    }

    private static long usedAfterCollection(MemoryPoolMXBean pool) {
        return pool.getUsage().getUsed();
    }
}
