package dev.gaur.format.qcow2;

import dev.gaur.block.PendingRequest;
import dev.gaur.sync.Epoch;

/**
 * A request that is inside of an epoch until it is finished.
 *
 * @param ticket of the epoch
 */
record InsideRequest(PendingRequest request, Epoch epoch, int ticket) implements PendingRequest {
    @Override
    public boolean isDone() {
        return request.isDone();
    }

    @Override
    public void finish() {
        try {
            request.finish();
        } finally {
            epoch.leave(ticket);
        }
    }
}
