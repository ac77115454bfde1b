package dev.gaur.format.qcow2;

import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.PendingRead;
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
    @Nullable PendingRead begin(long offset, MemorySegment target) {
        int ticket = epoch == null ? NONE : epoch.tryEnter();
        if (ticket == Epoch.PAUSED) {
            return null;
        }
        PendingRead read = null;
        try {
            read = path().begin(offset, target);
        } finally {
            if (read == null) {
                leave(ticket);
            }
        }
        return read == null || epoch == null ? read : new Inside(read, epoch, ticket);
    }

    private record Inside(PendingRead read, Epoch epoch, int ticket) implements PendingRead {
        @Override
        public boolean isDone() {
            return read.isDone();
        }

        @Override
        public void finish() {
            try {
                read.finish();
            } finally {
                epoch.leave(ticket);
            }
        }
    }
}
