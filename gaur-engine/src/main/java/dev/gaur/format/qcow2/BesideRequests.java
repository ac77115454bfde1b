package dev.gaur.format.qcow2;

import dev.gaur.block.PendingRequest;
import dev.gaur.sync.Epoch;
import dev.gaur.sync.SideThreads;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Work on an image that belongs to no request: done while nobody changes the image as a whole, and
 * not at all once it is closed. Safe for many threads.
 *
 * @param changes which the work is one of
 * @param engine of the image; null if there is none, or it is closed; to be asked for inside
 */
record BesideRequests(Epoch changes, Supplier<@Nullable WriteEngine> engine) {
    /** Does work now, unless somebody changes the image as a whole. */
    void tryNow(Consumer<WriteEngine> work) {
        int ticket = changes.tryEnter();
        if (ticket != Epoch.PAUSED) {
            run(ticket, work);
        }
    }

    /** Begins a write, which is one of the changes until it is finished; null if it cannot. */
    @Nullable PendingRequest tryBegin(Function<WriteEngine, @Nullable PendingRequest> begins) {
        int ticket = changes.tryEnter();
        if (ticket == Epoch.PAUSED) {
            return null;
        }
        return InsideRequest.begin(
                changes,
                ticket,
                () -> {
                    WriteEngine ready = engine.get();
                    return ready == null ? null : begins.apply(ready);
                });
    }

    /** Others who help to write out. */
    CowHelpers helpers() {
        SideThreads threads = SideThreads.shared();
        return new CowHelpers(this::tryElsewhere, threads::tryRun, threads.most());
    }

    /** Has some other thread do work that ends soon; false if none is free. */
    private boolean tryElsewhere(Runnable work) {
        return SideThreads.shared().tryRun(() -> run(changes.enter(), _ -> work.run()));
    }

    private void run(int ticket, Consumer<WriteEngine> work) {
        try {
            WriteEngine ready = engine.get();
            if (ready != null) {
                work.accept(ready);
            }
        } finally {
            changes.leave(ticket);
        }
    }
}
