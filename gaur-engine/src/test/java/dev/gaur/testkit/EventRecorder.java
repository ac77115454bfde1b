package dev.gaur.testkit;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Storage that writes down what it is told and asked, in order. For one thread. */
public final class EventRecorder extends StorageWrapper {
    private final boolean watched;
    private final List<String> log = new ArrayList<>();

    /**
     * Records what happens to {@code real}.
     *
     * @param watched whether it says that it wants to know of events
     */
    public EventRecorder(StorageNode real, boolean watched) {
        super(real);
        this.watched = watched;
    }

    /** Returns names of events, and {@code READ}, {@code WRITE}, {@code ZERO}, ... */
    public List<String> log() {
        return log;
    }

    /** Forgets everything so far. */
    public void clear() {
        log.clear();
    }

    @Override
    public boolean isWatched() {
        return watched;
    }

    @Override
    public void event(BlockEvent event) {
        log.add(event.text());
    }

    @Override
    public void read(long offset, MemorySegment target) {
        log.add("READ");
        super.read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        log.add("READ");
        return super.tryRead(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        log.add("WRITE");
        super.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        log.add("ZERO");
        super.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        log.add("DISCARD");
        super.discard(offset, length);
    }

    @Override
    public void flush() {
        log.add("FLUSH");
        super.flush();
    }
}
