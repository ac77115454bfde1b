package dev.gaur.filter;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.filter.DebugRule.InjectError;
import dev.gaur.filter.DebugRule.IoType;
import dev.gaur.sync.Waiting;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Storage for tests, after QEMU's {@code blkdebug}: fails requests, by rules that the events of its
 * user ({@link StorageNode#event}) put in force, and stops whoever comes to a breakpoint.
 *
 * <p>Each event that has errors of its own replaces the errors that were in force. There is one
 * number, the state, which begins at 1 and which rules can change and depend on. A breakpoint stops
 * one request and is gone then.
 */
public final class BlkDebug extends DelegatingStorage implements Breakpoints {
    /** Who is to be stopped, and where. */
    private record Breakpoint(BlockEvent event, String tag) {}

    /** A stopped request. */
    private static final class Stopped {
        private final String tag;
        private boolean resumed;

        Stopped(String tag) {
            this.tag = tag;
        }
    }

    // All of these are guarded by the monitor.
    private final List<DebugRule> rules;
    private final List<InjectError> active = new ArrayList<>();
    private final List<Breakpoint> breakpoints = new ArrayList<>();
    private final List<Stopped> stopped = new ArrayList<>();
    private int state = 1;
    private Consumer<String> listener = _ -> {};

    /** Wraps storage, and owns it from then on; the event {@code none} has then happened. */
    public BlkDebug(StorageNode below, List<DebugRule> rules) {
        super(below);
        this.rules = new ArrayList<>(rules);
        enforce(BlockEvent.NONE);
    }

    private synchronized void enforce(BlockEvent event) {
        boolean replaced = false;
        int newState = state;
        for (DebugRule rule : rules) {
            if (rule.event() != event || (rule.state() != 0 && rule.state() != state)) {
                continue;
            }
            switch (rule) {
                case InjectError error -> {
                    if (!replaced) {
                        active.clear();
                        replaced = true;
                    }
                    active.add(error);
                }
                case DebugRule.SetState change -> newState = change.newState();
            }
        }
        state = newState;
    }

    @Override
    public void event(BlockEvent event) {
        enforce(event);
        stop(event);
    }

    @Override
    public boolean isWatched() {
        return true;
    }

    private synchronized void stop(BlockEvent event) {
        List<Stopped> hit = hit(event);
        if (hit.isEmpty()) {
            return;
        }
        for (Stopped each : hit) {
            listener.accept("blkdebug: Suspended request '" + each.tag + "'");
        }
        stopped.addAll(hit);
        notifyAll();
        boolean interrupted = false;
        while (hit.stream().anyMatch(each -> !each.resumed)) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
    }

    /** Takes the breakpoints that are hit, the newest first. */
    private List<Stopped> hit(BlockEvent event) {
        List<Stopped> hit = new ArrayList<>();
        for (Breakpoint each : breakpoints.reversed()) {
            if (each.event == event) {
                hit.add(new Stopped(each.tag));
            }
        }
        breakpoints.removeIf(each -> each.event == event);
        return hit;
    }

    @Override
    public synchronized void listen(Consumer<String> newListener) {
        listener = newListener;
    }

    @Override
    public void continueFrom(Breakpoints before) {
        if (before instanceof BlkDebug old) {
            old.handOver(this);
        }
    }

    private synchronized void handOver(BlkDebug next) {
        next.take(rules, active, breakpoints, state);
    }

    private synchronized void take(
            List<DebugRule> itsRules,
            List<InjectError> itsActive,
            List<Breakpoint> itsBreakpoints,
            int itsState) {
        rules.clear();
        rules.addAll(itsRules);
        active.clear();
        active.addAll(itsActive);
        breakpoints.clear();
        breakpoints.addAll(itsBreakpoints);
        state = itsState;
    }

    @Override
    public synchronized boolean set(String event, String tag) {
        Optional<BlockEvent> known = BlockEvent.named(event);
        known.ifPresent(place -> breakpoints.add(new Breakpoint(place, tag)));
        return known.isPresent();
    }

    @Override
    public synchronized boolean remove(String tag) {
        boolean any = breakpoints.removeIf(each -> each.tag.equals(tag));
        boolean resumed = true;
        while (resumed) {
            resumed = resume(tag);
        }
        return any;
    }

    @Override
    public synchronized boolean resume(String tag) {
        for (Iterator<Stopped> all = stopped.iterator(); all.hasNext(); ) {
            Stopped each = all.next();
            if (each.tag.equals(tag)) {
                listener.accept("blkdebug: Resuming request '" + tag + "'");
                each.resumed = true;
                all.remove();
                notifyAll();
                return true;
            }
        }
        return false;
    }

    @Override
    public synchronized void await(String tag) {
        boolean interrupted = false;
        while (stopped.stream().noneMatch(each -> each.tag.equals(tag))) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
    }

    /** Fails if a rule in force says so. */
    private synchronized void check(IoType type, long offset, long length) {
        for (InjectError error : active) {
            long at = error.offset();
            boolean there = at < 0 || (at >= offset && at - offset < length);
            if (there && error.types().contains(type)) {
                if (error.once()) {
                    active.remove(error);
                    rules.remove(error);
                }
                throw new BlockException.Media(
                        name(), type.text(), offset, "injected error", error.errno(), null);
            }
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        check(IoType.READ, offset, target.byteSize());
        super.read(offset, target);
    }

    /** {@inheritDoc} Never: what can fail or stop may have to wait. */
    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return false;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        event(BlockEvent.PWRITEV);
        try {
            check(IoType.WRITE, offset, source.byteSize());
            super.write(offset, source, Durability.CACHED);
        } finally {
            event(BlockEvent.PWRITEV_DONE);
        }
        stabilise(durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        event(BlockEvent.PWRITEV_ZERO);
        try {
            check(IoType.WRITE_ZEROES, offset, length);
            super.zero(offset, length, mode, Durability.CACHED);
        } finally {
            event(BlockEvent.PWRITEV_DONE);
        }
        stabilise(durability);
    }

    /** A write that is to be stable is one with a flush behind it, which may fail too. */
    private void stabilise(Durability durability) {
        if (durability == Durability.STABLE) {
            flush();
        }
    }

    @Override
    public void discard(long offset, long length) {
        check(IoType.DISCARD, offset, length);
        super.discard(offset, length);
    }

    @Override
    public void flush() {
        check(IoType.FLUSH, 0, 0);
        super.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        check(IoType.BLOCK_STATUS, offset, length);
        super.extents(offset, length, visitor);
    }

    /** Returns the kind of request of that name. */
    public static Optional<Set<IoType>> types(String name) {
        for (IoType type : IoType.values()) {
            if (type.text().equals(name)) {
                return Optional.of(Set.of(type));
            }
        }
        return Optional.empty();
    }
}
