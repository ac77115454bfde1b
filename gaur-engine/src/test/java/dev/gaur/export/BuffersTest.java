package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.export.Buffers.Buffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What connections share of a server's memory, and who waits for what. */
@Timeout(60)
class BuffersTest {
    private static final int BLOCK = 64 << 10;
    private static final long TOTAL = 1 << 20; // For fifteen of those with their headers.

    private static final LargeMemory.Limits AT_ONCE =
            new LargeMemory.Limits(Duration.ZERO, Duration.ZERO);

    private final Buffers.Server server = new Buffers.Server(TOTAL, AT_ONCE);

    private static Buffers connection(Buffers.Server server) {
        return server.forConnection(new Progress(), () -> {});
    }

    private static Queue<Buffer> takeAll(Buffers from) {
        Queue<Buffer> taken = new ArrayDeque<>();
        for (Buffer next = from.tryLease(BLOCK); next != null; next = from.tryLease(BLOCK)) {
            taken.add(next);
        }
        return taken;
    }

    @Test
    void theBudgetBoundsAllConnectionsAndEachHasOneMore() {
        Queue<Buffer> first = takeAll(connection(server));
        assertEquals(15, first.size());
        for (int i = 1; i <= 10; i++) {
            assertEquals(1, takeAll(connection(server)).size());
            assertTrue(server.out() <= TOTAL + i * (BLOCK + 4096L), "out " + server.out());
        }
    }

    @Test
    void answersWithoutDataAreNotCounted() {
        Buffers connection = connection(server);
        takeAll(connection);
        for (int i = 0; i < 1000; i++) {
            connection.leaseAnswer().close();
        }
        assertNull(connection.tryLease(1));
    }

    /** What its own thread holds is nobody's answer: nothing may wait for it. */
    @Test
    void whatIsHeldHereLeavesTheConnectionItsOwnOne() {
        takeAll(connection(server));
        Buffers other = connection(server);
        assertNull(other.tryLeaseHere(BLOCK));
        Buffers third = connection(new Buffers.Server(TOTAL, AT_ONCE));
        IntStream.range(0, 15).forEach(_ -> assertNotNull(third.tryLeaseHere(BLOCK)));
        assertNull(third.tryLeaseHere(BLOCK));
        third.lease(BLOCK).close();
    }

    @Test
    void whoHasAnswersComingWaitsUntilTheyAreTaken() throws InterruptedException {
        takeAll(connection(server));
        Buffers waiting = connection(server);
        Buffer own = waiting.lease(BLOCK);
        Thread thread = Thread.ofPlatform().start(() -> waiting.lease(BLOCK).close());
        TestServer.await("does not wait", () -> thread.getState() == Thread.State.WAITING);
        own.close();
        thread.join();
    }

    @Test
    void whatOthersGiveBackEndsTheWaitingToo() throws InterruptedException {
        Queue<Buffer> all = takeAll(connection(server));
        Buffers waiting = connection(server);
        Buffer own = waiting.lease(BLOCK);
        Thread thread = Thread.ofPlatform().start(() -> waiting.lease(BLOCK).close());
        TestServer.await("does not wait", () -> thread.getState() == Thread.State.WAITING);
        all.remove().close(); // As much as has been taken beyond the budget.
        all.remove().close();
        thread.join();
        own.close();
        all.forEach(Buffer::close);
        assertEquals(0, server.out());
    }

    @Test
    void manyThreadsEndAndLeaveNothing() throws InterruptedException {
        Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
        List<Thread> threads =
                IntStream.range(0, 8)
                        .mapToObj(
                                i ->
                                        Thread.ofPlatform()
                                                .uncaughtExceptionHandler((_, e) -> wrong.add(e))
                                                .start(() -> work(connection(server), i)))
                        .toList();
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), List.copyOf(wrong));
        assertEquals(0, server.out());
    }

    private static void work(Buffers mine, int seed) {
        Random random = new Random(seed);
        Queue<Buffer> held = new ConcurrentLinkedQueue<>();
        for (int i = 0; i < 3000; i++) {
            boolean wait = held.size() < 4 && random.nextBoolean();
            Buffer next = wait || held.isEmpty() ? leaseOrEnd(mine, held) : mine.tryLease(BLOCK);
            if (next != null) {
                held.add(next);
            }
            while (held.size() > 3) {
                held.remove().close();
            }
        }
        held.forEach(Buffer::close);
    }

    /** Somebody else takes the answers, as it is on a server. */
    private static Buffer leaseOrEnd(Buffers mine, Queue<Buffer> held) {
        Buffer[] all = held.toArray(Buffer[]::new);
        held.clear();
        Thread taker = Thread.ofVirtual().start(() -> List.of(all).forEach(Buffer::close));
        Buffer next = mine.lease(BLOCK);
        try {
            taker.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return next;
    }

    @Test
    void aLargeRequestThatWaitsTooLongHasNoMemory() {
        for (int i = 0; i < 4; i++) {
            Buffers greedy = connection(server);
            assertNotNull(greedy.tryLease(32 << 20));
            assertNotNull(greedy.tryLease((32 << 20) - 1));
            assertNull(greedy.tryLease(Buffers.MEDIUM + 1)); // It has its share.
        }
        Buffers other = connection(server);
        assertNull(other.tryLease(32 << 20));
        BlockException.Media refused =
                assertThrows(BlockException.Media.class, () -> other.lease(32 << 20));
        assertEquals(12, refused.errno());
        other.lease(BLOCK).close();
    }
}
