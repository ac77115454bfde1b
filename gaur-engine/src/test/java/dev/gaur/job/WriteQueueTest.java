package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class WriteQueueTest {
    private static final class Parcel {
        int number;
    }

    @RepeatedTest(20)
    void writesEveryParcelOnceAndOneAtATime() {
        int workers = 4;
        int last = 2_000;
        AtomicInteger numbers = new AtomicInteger();
        AtomicInteger made = new AtomicInteger();
        AtomicInteger writers = new AtomicInteger();
        BitSet written = new BitSet(); // Safe as long as there is one writer.
        var queue =
                new WriteQueue<Parcel>(
                        workers + 1,
                        () -> {
                            made.incrementAndGet();
                            return new Parcel();
                        },
                        parcel -> {
                            assertEquals(1, writers.incrementAndGet());
                            assertTrue(!written.get(parcel.number));
                            written.set(parcel.number);
                            writers.decrementAndGet();
                        });
        new Workers(queue::close)
                .run(
                        "test",
                        workers,
                        () -> {
                            Parcel parcel = queue.take();
                            for (int n = numbers.getAndIncrement(); n < last; ) {
                                parcel.number = n;
                                queue.put(parcel);
                                parcel = queue.take();
                                n = numbers.getAndIncrement();
                            }
                            queue.giveBack(parcel);
                        });
        assertEquals(last, written.cardinality());
        assertTrue(made.get() <= workers + 1);
    }

    @Test
    void whoComesWhileSomebodyWritesGoesOn() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        List<String> written = new ArrayList<>();
        List<String> parcels = new ArrayList<>(List.of("second", "first"));
        var queue =
                new WriteQueue<String>(
                        2,
                        parcels::removeLast,
                        parcel -> {
                            begun.countDown();
                            await(release);
                            written.add(parcel);
                        });
        Thread writer = Thread.ofPlatform().start(() -> queue.put(queue.take()));
        begun.await();
        queue.put(queue.take()); // Does not wait for the other.
        release.countDown();
        writer.join();
        assertEquals(List.of("first", "second"), written);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    @Test
    void afterAFailureNothingMoreIsTakenOrWritten() {
        var queue =
                new WriteQueue<Parcel>(
                        1,
                        Parcel::new,
                        parcel -> {
                            throw new IllegalStateException("disk full");
                        });
        assertThrows(IllegalStateException.class, () -> queue.put(queue.take()));
        assertThrows(CancellationException.class, queue::take);
        assertThrows(CancellationException.class, () -> queue.put(new Parcel()));
    }

    @Test
    void aFailureWakesWhoWaitsForAParcel() throws InterruptedException {
        CountDownLatch taken = new CountDownLatch(1);
        var queue =
                new WriteQueue<Parcel>(
                        1,
                        Parcel::new,
                        parcel -> {
                            throw new IllegalStateException("disk full");
                        });
        Parcel only = queue.take();
        List<Class<?>> thrown = new ArrayList<>();
        Thread waits =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    taken.countDown();
                                    var wake =
                                            assertThrows(CancellationException.class, queue::take);
                                    thrown.add(wake.getClass());
                                });
        taken.await();
        assertThrows(IllegalStateException.class, () -> queue.put(only));
        waits.join();
        assertEquals(List.of(CancellationException.class), thrown);
    }
}
