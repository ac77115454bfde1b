package dev.gaur.format.qcow2;

import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.PendingRequest;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads of an image. While it can be changed each is inside of an epoch, so that nobody gets a
 * cluster that is being read (Q3).
 *
 * @param epoch of all reads; null for an image that nobody changes
 * @param view of the image; to be asked for inside
 */
record ImageReads(@Nullable Epoch epoch, Supplier<View> view) {
    private static final int NONE = 0;

    private CowReads path() {
        return view.get().reads();
    }

    private void leave(int ticket) {
        if (epoch != null) {
            epoch.leave(ticket);
        }
    }

    void read(long offset, MemorySegment target) {
        int ticket = epoch == null ? NONE : epoch.enter();
        try {
            path().read(offset, target);
        } finally {
            leave(ticket);
        }
    }

    boolean tryRead(long offset, MemorySegment target) {
        return tryEntered(path -> path.tryRead(offset, target));
    }

    boolean prefetch(long offset, long length) {
        return tryEntered(path -> path.prefetch(offset, length));
    }

    /** Does what may not wait, not even for who changes the whole image. */
    private boolean tryEntered(Predicate<CowReads> request) {
        int ticket = epoch == null ? NONE : epoch.tryEnter();
        if (ticket == Epoch.PAUSED) {
            return false;
        }
        try {
            return request.test(path());
        } finally {
            leave(ticket);
        }
    }

    /** Tells how a range is stored. */
    void extents(long offset, long length, ExtentVisitor visitor) {
        if (epoch == null) {
            view.get().extentWalk().walk(offset, length, visitor);
        } else {
            ExtentSteps.walk(epoch, () -> view.get().extentWalk(), offset, length, visitor);
        }
    }

    /** Begins a read, which is inside until it is finished. */
    @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        if (epoch == null) {
            return path().beginRead(offset, target);
        }
        int ticket = epoch.tryEnter();
        return ticket == Epoch.PAUSED
                ? null
                : InsideRequest.begin(epoch, ticket, () -> path().beginRead(offset, target));
    }
}
