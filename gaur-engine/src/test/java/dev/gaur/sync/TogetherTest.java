package dev.gaur.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TogetherTest {
    private static final List<Integer> MANY = IntStream.range(0, 100).boxed().toList();

    private static final Together.Side THREADS =
            work -> {
                Thread.ofPlatform().daemon().start(work);
                return true;
            };

    private static void await(CountDownLatch latch) {
        boolean interrupted = false;
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        Waiting.keep(interrupted);
    }

    @Test
    void eachHasItsTurnOnceWhoeverHelps() {
        for (Together.Side side : List.<Together.Side>of(THREADS, _ -> false)) {
            var done = new ConcurrentLinkedQueue<Integer>();
            Together.forEach(MANY, 3, side, done::add);
            assertEquals(MANY, done.stream().sorted().toList());
        }
    }

    @Test
    void severalAreAtIt() {
        CountDownLatch all = new CountDownLatch(3);
        Together.forEach(
                List.of(1, 2, 3),
                2,
                THREADS,
                _ -> {
                    all.countDown();
                    await(all);
                });
        assertEquals(0, all.getCount());
    }

    @Test
    void whatAHelperThrowsEndsAllAndIsThrownWhenAllHaveEnded() {
        Thread caller = Thread.currentThread();
        var done = new ConcurrentLinkedQueue<Integer>();
        var helper = new CompletableFuture<Thread>();
        Together.Side side =
                work -> {
                    Thread thread = Thread.ofPlatform().daemon().start(work);
                    return helper.complete(thread);
                };
        Exception problem = new Exception("made up");
        Together.Action<Integer, Exception> action =
                item -> {
                    if (Thread.currentThread() != caller) {
                        throw problem;
                    }
                    Waiting.forEndOf(helper.join());
                    done.add(item);
                };
        Exception thrown =
                assertThrows(Exception.class, () -> Together.forEach(MANY, 1, side, action));
        assertTrue(done.size() <= 1, "ended at once");
        assertSame(problem, thrown);
        assertThrows(
                StackOverflowError.class,
                () ->
                        Together.forEach(
                                MANY,
                                0,
                                THREADS,
                                _ -> {
                                    throw new StackOverflowError("made up");
                                }));
    }

    @Test
    void anInterruptDoesNotLeaveAHelperBehind() {
        Thread caller = Thread.currentThread();
        AtomicBoolean ended = new AtomicBoolean();
        CountDownLatch callerIsDone = new CountDownLatch(1);
        CountDownLatch helperHasBegun = new CountDownLatch(1);
        Together.forEach(
                List.of(1, 2),
                1,
                THREADS,
                _ -> {
                    if (Thread.currentThread() == caller) {
                        await(helperHasBegun);
                        caller.interrupt();
                        callerIsDone.countDown();
                    } else {
                        helperHasBegun.countDown();
                        await(callerIsDone);
                        ended.set(true);
                    }
                });
        assertTrue(ended.get());
        assertTrue(Thread.interrupted());
    }
}
