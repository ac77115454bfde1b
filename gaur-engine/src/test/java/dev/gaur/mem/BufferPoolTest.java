package dev.gaur.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a pool keeps and what it frees. */
@Timeout(60)
class BufferPoolTest {
    private static final int SIZE = 8192;
    private static final int KEEP = 3;

    private final BufferPool pool = new BufferPool(SIZE, KEEP);

    private static List<BufferPool.Lease> lease(BufferPool pool, int count) {
        return IntStream.range(0, count).mapToObj(_ -> pool.lease()).toList();
    }

    @Test
    void buffersAreAlignedAndOfTheirSize() {
        for (BufferPool.Lease each : lease(pool, 2 * KEEP)) {
            assertEquals(SIZE, each.segment().byteSize());
            assertEquals(0, each.segment().address() % BufferPool.ALIGNMENT);
        }
    }

    @Test
    void whatIsKeptIsUsedAgainAndAllElseFreedAtOnce() {
        for (int round = 0; round < 3; round++) {
            List<BufferPool.Lease> all = lease(pool, 2 * KEEP);
            List<MemorySegment> segments = all.stream().map(BufferPool.Lease::segment).toList();
            all.forEach(BufferPool.Lease::close);
            long alive = segments.stream().filter(it -> it.scope().isAlive()).count();
            assertEquals(KEEP, alive);
            List<BufferPool.Lease> again = lease(pool, KEEP);
            again.forEach(each -> assertTrue(segments.contains(each.segment())));
            again.forEach(BufferPool.Lease::close);
        }
    }

    @Test
    void whatIsKeptCanBeAskedFor() {
        for (int round = 0; round < 2; round++) {
            List<BufferPool.Lease> all = new ArrayList<>();
            for (int i = 0; i < KEEP; i++) {
                BufferPool.Lease lease = pool.tryLease();
                assertNotNull(lease);
                all.add(lease);
            }
            assertNull(pool.tryLease());
            all.forEach(BufferPool.Lease::close);
            all.forEach(each -> assertTrue(each.segment().scope().isAlive()));
        }
    }

    /** Whichever of them come back first. */
    @Test
    void noMoreThanKeptIsEverLeft() {
        Random random = new Random(1);
        List<BufferPool.Lease> out = new ArrayList<>();
        List<MemorySegment> seen = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            if (out.size() < 10 && random.nextBoolean()) {
                BufferPool.Lease lease = pool.lease();
                out.add(lease);
                seen.add(lease.segment());
            } else if (!out.isEmpty()) {
                out.remove(random.nextInt(out.size())).close();
            }
        }
        out.forEach(BufferPool.Lease::close);
        long alive = seen.stream().distinct().filter(it -> it.scope().isAlive()).count();
        assertEquals(KEEP, alive);
    }

    @Test
    void freedMemoryIsNotTouchedByWhoUsesItStill() {
        BufferPool.Lease lease = BufferPool.once(SIZE);
        MemorySegment segment = lease.segment(100);
        lease.close();
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_BYTE, 0));
        assertThrows(AssertionError.class, lease::close);
    }

    /** As of an image that nobody has closed. */
    @Test
    void whatWasLostIsFreedWithItsLease() {
        MemorySegment.Scope scope = BufferPool.once(SIZE).segment().scope();
        while (scope.isAlive()) {
            System.gc();
        }
        assertFalse(scope.isAlive());
    }
}
