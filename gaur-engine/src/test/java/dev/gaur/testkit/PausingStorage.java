package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.testkit.FaultPlan.Call;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Storage in which one call of a kind stops before it is done, until the test lets it go on: so a
 * race that needs luck elsewhere is sure to happen.
 */
public final class PausingStorage extends StorageWrapper {
    private final Call kind;
    private final AtomicBoolean armed = new AtomicBoolean();
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch mayGoOn = new CountDownLatch(1);

    /** Passes everything on to {@code real}; nothing stops before {@link #arm}. */
    public PausingStorage(StorageNode real, Call kind) {
        super(real);
        this.kind = kind;
    }

    /** The next call of the kind stops. */
    public void arm() {
        armed.set(true);
    }

    /** Waits until a call has stopped, or until it is sure that none will. */
    public boolean awaitPause(Thread caller) {
        while (reached.getCount() > 0 && caller.isAlive()) {
            Thread.onSpinWait();
        }
        return reached.getCount() == 0;
    }

    /** Lets the call go on once another thread has ended or cannot go on either. */
    public void goOnAfter(Thread other) {
        while (other.isAlive() && other.getState() == Thread.State.RUNNABLE) {
            Thread.onSpinWait();
        }
        mayGoOn.countDown();
    }

    private void call(Call made) {
        if (made == kind && armed.compareAndSet(true, false)) {
            reached.countDown();
            try {
                mayGoOn.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        call(Call.READ);
        super.read(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        call(Call.WRITE);
        super.write(offset, source, durability);
    }

    @Override
    public void discard(long offset, long length) {
        call(Call.DISCARD);
        super.discard(offset, length);
    }

    @Override
    public void flush() {
        call(Call.FLUSH);
        super.flush();
    }
}
