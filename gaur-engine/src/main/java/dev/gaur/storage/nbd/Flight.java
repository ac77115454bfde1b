package dev.gaur.storage.nbd;

import dev.gaur.mem.BufferPool;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A request that was sent, or is about to be. Belongs to its thread, but until it is done whoever
 * receives answers it.
 */
final class Flight {
    /** Never runs; memory that it may not use is one thread's alone. */
    private static final Thread ANYBODY = Thread.ofPlatform().unstarted(() -> {});

    private final Command command;
    private final Thread thread = Thread.currentThread();
    private final MemorySegment target;
    private final Coverage coverage = new Coverage();
    private final Map<Integer, long[]> status = new HashMap<>();
    private int error;
    private String message = "";
    private @Nullable IOException broken;
    private volatile boolean done;

    // Guarded by Flights.
    long cookie;
    boolean waiting;

    Flight(Command command) {
        this.command = command;
        MemorySegment wanted = command.target();
        this.target =
                wanted.isAccessibleBy(ANYBODY) ? wanted : BufferPool.allocate(wanted.byteSize());
    }

    Command command() {
        return command;
    }

    boolean isDone() {
        return done;
    }

    /** Wakes the thread if it waits, or the next time it would. */
    void wake() {
        LockSupport.unpark(thread);
    }

    // ---- for who receives

    /**
     * Takes a part of a read.
     *
     * @return where its bytes go
     */
    MemorySegment take(long offset, long length) throws Violation {
        if (!command.isRead() || length == 0 || !command.contains(offset, length)) {
            throw new Violation("it sends what was not asked for");
        }
        if (!coverage.add(offset, length)) {
            throw new Violation("it sends a part of a read twice");
        }
        return target.asSlice(offset - command.offset(), length);
    }

    /** Takes the extents of a context, pairs of length and flags. */
    void takeStatus(int context, long[] extents) throws Violation {
        if (!command.isStatus() || status.put(context, extents) != null) {
            throw new Violation("it sends a status that was not asked for");
        }
    }

    void takeError(int errno, String text) {
        if (error == 0) {
            error = errno;
            message = text;
        }
    }

    /** Ends the request: all answers are there. */
    void complete() throws Violation {
        if (error == 0 && command.isRead() && coverage.bytes() != command.length()) {
            throw new Violation("it leaves out a part of a read");
        }
        if (error == 0 && command.isStatus() && status.isEmpty()) {
            throw new Violation("it leaves out a status");
        }
        done = true;
        wake();
    }

    /** Ends the request without an answer. */
    void fail(IOException failure) {
        broken = failure;
        done = true;
        wake();
    }

    // ---- for the request's thread

    /** Hands out what came, once it is done. */
    Map<Integer, long[]> result() throws IOException, ServerError {
        if (broken != null) {
            throw broken;
        }
        if (error != 0) {
            throw new ServerError(error, message);
        }
        if (target != command.target()) {
            command.target().copyFrom(target);
        }
        return status;
    }
}
