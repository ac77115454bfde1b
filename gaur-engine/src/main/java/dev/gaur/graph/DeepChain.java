package dev.gaur.graph;

import dev.gaur.block.BlockIo;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.BufferPool;
import dev.gaur.sync.Waiting;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A chain so deep that a request, which goes down it call by call, might not fit the stack of the
 * thread that makes it. Each request gets a thread of its own with a stack that is large enough;
 * what that costs does not show beside a walk through so many layers.
 */
final class DeepChain implements BlockIo {
    /** Up to here any thread will do: so many layers take a quarter of the usual stack. */
    static final int SHALLOW_MAX = 100;

    /** Five frames of 200 bytes when compiled; interpreted they are larger. */
    private static final long STACK_PER_LAYER = 4 << 10;

    private static final long STACK_MIN = 1 << 20;

    /** How much of the disk is asked for extents at a time: so many have to be kept. */
    private static final long EXTENTS_STEP = 16 << 20;

    private final BlockNode image;
    private final long stackSize;

    DeepChain(BlockNode image, int layers) {
        this.image = image;
        this.stackSize = STACK_MIN + layers * STACK_PER_LAYER;
    }

    /** Runs it on a thread with a large stack and waits; an interrupt is kept for later. */
    private void call(Runnable request) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread thread =
                Thread.ofPlatform()
                        .name("gaur-deep-chain")
                        .daemon()
                        .stackSize(stackSize)
                        .uncaughtExceptionHandler((_, thrown) -> failure.set(thrown))
                        .start(request);
        Waiting.forEndOf(thread);
        switch (failure.get()) {
            case null -> {}
            case RuntimeException exception -> throw exception;
            case Error error -> throw error;
            case Throwable other -> throw new AssertionError(other);
        }
    }

    @Override
    public long length() {
        return image.length();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        // The caller's memory may be for its own thread only.
        try (BufferPool.Lease buffer = BufferPool.once(Math.max(1, target.byteSize()))) {
            MemorySegment bytes = buffer.segment(target.byteSize());
            call(() -> image.read(offset, bytes));
            target.copyFrom(bytes);
        }
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        try (BufferPool.Lease buffer = BufferPool.once(Math.max(1, source.byteSize()))) {
            MemorySegment bytes = buffer.segment(source.byteSize()).copyFrom(source);
            call(() -> image.write(offset, bytes, durability));
        }
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        call(() -> image.zero(offset, length, mode, durability));
    }

    @Override
    public void discard(long offset, long length) {
        call(() -> image.discard(offset, length));
    }

    @Override
    public void flush() {
        call(image::flush);
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        long end = offset + length;
        for (long at = offset; at < end; ) {
            List<Extent> found = new ArrayList<>();
            long from = at;
            long step = Math.min(end - at, EXTENTS_STEP);
            call(() -> image.extents(from, step, found::add));
            for (Extent extent : found) {
                if (!visitor.visit(extent)) {
                    return;
                }
            }
            at += step;
        }
    }

    /** Closes all images. */
    void close() {
        call(image::close);
    }
}
