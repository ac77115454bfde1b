package dev.gaur.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GateTest {
    private final Gate gate = new Gate();

    @Test
    void lateComersAreTurnedAway() {
        assertNotEquals(Gate.CLOSED, gate.enter());
        gate.leave(gate.enter());
        Gate empty = new Gate();
        assertTrue(empty.close());
        assertEquals(Gate.CLOSED, empty.enter());
    }

    @Test
    void closingASecondTimeIsTold() {
        assertTrue(gate.close());
        assertFalse(gate.close());
    }

    @Test
    void closingWaitsForAllInside() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicBoolean closed = new AtomicBoolean();
        AtomicBoolean violated = new AtomicBoolean();
        Thread[] visitors = new Thread[8];
        for (int index = 0; index < visitors.length; index++) {
            visitors[index] = Thread.ofPlatform().start(() -> visit(inside, closed, violated));
        }
        while (inside.get() == 0) {
            Thread.onSpinWait();
        }
        gate.close();
        closed.set(true);
        assertEquals(0, inside.get());
        for (Thread visitor : visitors) {
            visitor.join();
        }
        assertFalse(violated.get());
    }

    private void visit(AtomicInteger inside, AtomicBoolean closed, AtomicBoolean violated) {
        for (int ticket = gate.enter(); ticket != Gate.CLOSED; ticket = gate.enter()) {
            inside.incrementAndGet();
            if (closed.get()) {
                violated.set(true);
            }
            inside.decrementAndGet();
            gate.leave(ticket);
        }
    }
}
