package dev.gaur.testkit;

import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which call of storage is to fail, and how; shared by the files of one image, so that their calls
 * are counted together. Safe for many threads.
 */
public final class FaultPlan {
    /** The kinds of calls. */
    public enum Call {
        /** Reading; {@code tryRead} is none, it may always refuse. */
        READ,
        /** Writing bytes. */
        WRITE,
        /** Writing zeros. */
        ZERO,
        /** Punching holes. */
        DISCARD,
        /** Changing the length. */
        RESIZE,
        /** Making stable. */
        FLUSH;

        /** All that change something. */
        public static Set<Call> changes() {
            return EnumSet.complementOf(EnumSet.of(READ));
        }
    }

    /** How a call fails. */
    public enum Fault {
        /** Nothing happens but an I/O error. */
        EIO(5, "Input/output error", false),
        /** Nothing happens, since the disk is full. */
        ENOSPC(28, "No space left on device", false),
        /** The first sectors of a change happen, then the disk is full. */
        SHORT(28, "No space left on device", true);

        private final int errno;
        private final String text;
        private final boolean partial;

        Fault(int errno, String text, boolean partial) {
            this.errno = errno;
            this.text = text;
            this.partial = partial;
        }

        /** Returns Linux's number. */
        public int errno() {
            return errno;
        }

        /** Returns Linux's text. */
        public String text() {
            return text;
        }

        /** Tells whether part of a change is made first. */
        public boolean isPartial() {
            return partial;
        }
    }

    private final Set<Call> kinds;
    private final Fault fault;
    private final long first;
    private final long last;
    private final AtomicLong calls = new AtomicLong();
    private final Queue<Failure> failures = new ConcurrentLinkedQueue<>();

    /**
     * A call that failed.
     *
     * @param call what it was
     * @param callers who wanted it, as {@code Class.method}, of all methods that were running
     */
    public record Failure(Call call, List<String> callers) {}

    private FaultPlan(Set<Call> kinds, Fault fault, long first, long last) {
        this.kinds = Set.copyOf(kinds);
        this.fault = fault;
        this.first = first;
        this.last = last;
    }

    /** Nothing fails, calls of these kinds are counted. */
    public static FaultPlan counting(Set<Call> kinds) {
        return new FaultPlan(kinds, Fault.EIO, Long.MAX_VALUE, Long.MAX_VALUE);
    }

    /** The n-th call of these kinds fails, counted from 1; those after it succeed. */
    public static FaultPlan once(Set<Call> kinds, Fault fault, long n) {
        return new FaultPlan(kinds, fault, n, n);
    }

    /** The n-th call of these kinds fails, counted from 1, and all after it. */
    public static FaultPlan from(Set<Call> kinds, Fault fault, long n) {
        return new FaultPlan(kinds, fault, n, Long.MAX_VALUE);
    }

    /** Returns how it fails. */
    public Fault fault() {
        return fault;
    }

    /** Returns how many calls of its kinds were made. */
    public long calls() {
        return calls.get();
    }

    /** Tells whether a call has failed. */
    public boolean hasFailed() {
        return calls.get() >= first;
    }

    /** Counts a call; tells whether it is to fail. */
    boolean fails(Call call) {
        if (!kinds.contains(call)) {
            return false;
        }
        long number = calls.incrementAndGet();
        boolean fails = number >= first && number <= last;
        if (fails) {
            failures.add(new Failure(call, callers()));
        }
        return fails;
    }

    private static List<String> callers() {
        return StackWalker.getInstance()
                .walk(frames -> frames.map(FaultPlan::nameOf).distinct().limit(DEPTH).toList());
    }

    /** Deep enough for who began a request. */
    private static final int DEPTH = 40;

    private static String nameOf(StackWalker.StackFrame frame) {
        String type = frame.getClassName();
        String method = frame.getMethodName();
        return type.substring(type.lastIndexOf('.') + 1) + "." + method;
    }

    /** Returns all that have failed so far. */
    public List<Failure> failures() {
        return List.copyOf(failures);
    }

    @Override
    public String toString() {
        String which = first == last ? "call " + first : "calls from " + first + " on";
        return "%s of %s failing with %s".formatted(which, kinds, fault);
    }
}
