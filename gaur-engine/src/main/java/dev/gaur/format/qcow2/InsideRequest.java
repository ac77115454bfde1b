package dev.gaur.format.qcow2;

import dev.gaur.block.PendingRequest;
import dev.gaur.sync.Epoch;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A request that is inside of an epoch until it is finished. */
final class InsideRequest implements PendingRequest {
    private final Epoch epoch;
    private final int ticket;
    private @Nullable PendingRequest request;

    private InsideRequest(Epoch epoch, int ticket) {
        this.epoch = epoch;
        this.ticket = ticket;
    }

    /**
     * Begins a request.
     *
     * @param ticket of the epoch, which is left here or by the request
     * @return null if it cannot be begun
     */
    static @Nullable PendingRequest begin(
            Epoch epoch, int ticket, Supplier<@Nullable PendingRequest> begins) {
        boolean begun = false;
        try {
            // All memory comes first: nobody would finish what was begun and lost.
            InsideRequest made = new InsideRequest(epoch, ticket);
            made.request = begins.get();
            begun = made.request != null;
            return begun ? made : null;
        } finally {
            if (!begun) {
                epoch.leave(ticket);
            }
        }
    }

    private PendingRequest request() {
        return Objects.requireNonNull(request);
    }

    @Override
    public boolean isDone() {
        return request().isDone();
    }

    @Override
    public void finish() {
        try {
            request().finish();
        } finally {
            epoch.leave(ticket);
        }
    }
}
