package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.export.LargeMemory.Limits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who gets how much of the memory for large requests, and who is given up for it. */
@Timeout(60)
class LargeMemoryTest {
    private static final Duration FOREVER = Duration.ofDays(1);

    private final LargeMemory memory = new LargeMemory(100, 40, new Limits(FOREVER, FOREVER));
    private final List<String> givenUp = new ArrayList<>();

    private LargeMemory.Member member(String name, Progress progress) {
        return memory.new Member(progress, () -> givenUp.add(name));
    }

    private LargeMemory.Member member() {
        return member("", new Progress());
    }

    private static Thread start(Runnable work) {
        Thread thread = Thread.ofPlatform().daemon().start(work);
        TestServer.await(
                "does not wait",
                () ->
                        thread.getState() == Thread.State.WAITING
                                || thread.getState() == Thread.State.TIMED_WAITING);
        return thread;
    }

    @Test
    void eachConnectionHasAShareAndAllTogetherTheWhole() {
        for (int i = 0; i < 2; i++) {
            LargeMemory.Member each = member();
            assertTrue(each.tryTake(30));
            assertFalse(each.tryTake(11));
            assertTrue(each.tryTake(10));
            assertFalse(each.tryTake(1));
        }
        LargeMemory.Member last = member();
        assertFalse(last.tryTake(21));
        assertTrue(last.tryTake(20));
        assertEquals(100, memory.out());
        last.give(20);
        assertEquals(80, memory.out());
    }

    /** A request for all that is left would else never have its turn. */
    @Test
    void nobodyOvertakesWhoWaits() throws InterruptedException {
        List<LargeMemory.Member> holders = List.of(member(), member());
        holders.forEach(each -> assertTrue(each.tryTake(40)));
        LargeMemory.Member first = member();
        Thread waits = start(() -> assertTrue(first.take(30)));
        assertFalse(member().tryTake(1));
        LargeMemory.Member second = member();
        Thread waitsToo = start(() -> assertTrue(second.take(20)));
        assertEquals(80, memory.out());
        holders.getFirst().give(40);
        waits.join();
        waitsToo.join();
        assertEquals(40 + 30 + 20, memory.out());
    }

    /** Nobody else is to blame: so it has all the time that its client takes. */
    @Test
    void whoHasItsShareWaitsForItself() throws InterruptedException {
        LargeMemory impatient = new LargeMemory(100, 40, new Limits(Duration.ZERO, FOREVER));
        LargeMemory.Member greedy = impatient.new Member(new Progress(), () -> {});
        assertTrue(greedy.take(40));
        Thread waits = start(() -> assertTrue(greedy.take(1)));
        assertTrue(impatient.new Member(new Progress(), () -> {}).take(40));
        greedy.give(40);
        waits.join();
        assertEquals(41, impatient.out());
    }

    @Test
    void whoWaitsTooLongGetsNothingAndLetsTheNextOneHaveIt() {
        LargeMemory impatient = new LargeMemory(100, 100, new Limits(Duration.ZERO, FOREVER));
        assertTrue(impatient.new Member(new Progress(), () -> {}).take(90));
        assertFalse(impatient.new Member(new Progress(), () -> {}).take(20));
        assertTrue(impatient.new Member(new Progress(), () -> {}).take(10));
    }

    @Test
    void whoseClientsStandStillAreGivenUp() {
        Progress takes = new Progress();
        Progress takesNothing = new Progress();
        Progress sends = new Progress();
        Progress sendsNothing = new Progress();
        Progress reads = new Progress(); // The disk, not the client, makes it wait.
        Progress hasNothing = new Progress();
        assertTrue(member("takes", takes).tryTake(1));
        assertTrue(member("takes nothing", takesNothing).tryTake(1));
        assertTrue(member("sends", sends).tryTake(1));
        assertTrue(member("sends nothing", sendsNothing).tryTake(1));
        assertTrue(member("reads", reads).tryTake(1));
        member("has nothing", hasNothing);
        List.of(takes, takesNothing, hasNothing).forEach(Progress::beginSending);
        List.of(sends, sendsNothing).forEach(Progress::beginReceiving);
        memory.look();
        assertEquals(List.of(), givenUp);
        takes.hasTaken();
        sends.hasSent();
        memory.look();
        assertEquals(List.of("takes nothing", "sends nothing"), givenUp);
        takes.endSending();
        takes.beginSending();
        sends.endReceiving();
        givenUp.clear();
        memory.look();
        memory.look();
        assertEquals(
                List.of(
                        "takes nothing",
                        "sends nothing",
                        "takes",
                        "takes nothing",
                        "sends nothing"),
                givenUp);
    }

    /** What counts is how long a client stands still, not how often somebody comes to wait. */
    @Test
    void whoWaitsSoonAfterAnotherHasNobodyGivenUpSooner() throws InterruptedException {
        Progress slow = new Progress();
        assertTrue(member("slow", slow).tryTake(40));
        slow.beginSending();
        LargeMemory.Member other = member();
        assertTrue(other.tryTake(40));
        for (int i = 0; i < 3; i++) {
            LargeMemory.Member next = member();
            Thread waits = start(() -> assertTrue(next.take(40)));
            other.give(40);
            waits.join();
            next.give(40);
            assertTrue(other.tryTake(40));
        }
        assertEquals(List.of(), givenUp);
    }

    @Test
    void whoWaitsHasOthersGivenUp() throws InterruptedException {
        LargeMemory quick = new LargeMemory(100, 100, new Limits(FOREVER, Duration.ZERO));
        Progress stuck = new Progress();
        List<LargeMemory.Member> holder = new ArrayList<>();
        List<Thread> ends = new ArrayList<>();
        holder.add(
                quick
                .new Member(
                        stuck, () -> ends.add(Thread.startVirtualThread(() -> giveAll(holder)))));
        assertTrue(holder.getFirst().tryTake(100));
        stuck.beginSending();
        assertTrue(quick.new Member(new Progress(), () -> {}).take(50));
        for (Thread each : ends) {
            each.join();
        }
        assertEquals(50, quick.out());
    }

    private static synchronized void giveAll(List<LargeMemory.Member> holder) {
        if (!holder.isEmpty()) {
            holder.removeFirst().give(100);
        }
    }
}
