package dev.gaur.testkit;

import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine.Event;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * Walks through what happened to the disks of a {@link CrashMachine}, event by event, and shows at
 * each moment what a crash could leave. Not safe for many threads; several may walk at once.
 *
 * {@snippet :
 * CrashReplay replay = machine.replay();
 * while (replay.next()) {
 *     List<MemoryStorage> disks = replay.crash(new Random(seed));
 * }
 * }
 */
public final class CrashReplay {
    private final List<Event> events;
    private final List<CrashState> disks = new ArrayList<>();
    private int position;

    CrashReplay(List<CrashDisk> disks, List<Event> events) {
        this.events = events;
        for (CrashDisk disk : disks) {
            this.disks.add(new CrashState(disk));
        }
    }

    /** Goes on to the moment after the next event; false if there is none. */
    public boolean next() {
        if (position == events.size()) {
            return false;
        }
        Event event = events.get(position);
        CrashState disk = disks.get(event.disk());
        switch (event) {
            case Event.Change change -> disk.change(position, change);
            case Event.Stable stable -> {
                Event.Change change = (Event.Change) events.get(stable.change());
                disk.settle(stable.change(), change.sectors());
            }
            case Event.Flushed flushed -> disk.settleBefore(flushed.begun());
        }
        position++;
        return true;
    }

    /** Returns how many events were played. */
    public int position() {
        return position;
    }

    /** Returns how many different states a crash can leave now, {@code limit} if more. */
    public long states(long limit) {
        long states = 1;
        for (CrashState disk : disks) {
            states = Math.min(limit, states * disk.states(limit));
        }
        return states;
    }

    /** Returns one of all {@link #states}, counted from 0; for few of them. */
    public List<MemoryStorage> crash(long state) {
        long[] left = {state};
        return crash(
                (_, choices) -> {
                    int choice = (int) (left[0] % choices);
                    left[0] /= choices;
                    return choice;
                });
    }

    /**
     * Returns a random state. Some kinds of crash are likelier to hurt than others: all is lost but
     * a little, a little is lost, whole writes are lost or not.
     */
    public List<MemoryStorage> crash(Random random) {
        return crash(
                switch (random.nextInt(5)) {
                    case 0 -> (_, choices) -> random.nextInt(choices);
                    case 1 -> rarely(random, 0);
                    case 2 -> rarely(random, 1);
                    default -> wholeWrites(random);
                });
    }

    /** Returns the state in which all survived. */
    public List<MemoryStorage> crashWithoutLoss() {
        return crash((_, choices) -> choices - 1);
    }

    private List<MemoryStorage> crash(CrashState.Choice choice) {
        return disks.stream().map(disk -> disk.crash(choice)).toList();
    }

    /** Nearly all sectors are old, or new; some, drawn anew for each crash, are not. */
    private static CrashState.Choice rarely(RandomGenerator random, int mostly) {
        int oneIn = 2 << random.nextInt(6);
        return (_, choices) ->
                random.nextInt(oneIn) == 0
                        ? random.nextInt(choices)
                        : mostly == 0 ? 0 : choices - 1;
    }

    /** Draws for each event whether it survived; of those after a change, the last one counts. */
    private static CrashState.Choice wholeWrites(RandomGenerator random) {
        Map<Integer, Boolean> survived = new HashMap<>();
        int outOf = 2 + random.nextInt(4);
        int good = 1 + random.nextInt(outOf - 1);
        return (changes, choices) -> {
            for (int choice = choices - 1; choice > 0; choice--) {
                int change = changes.applyAsInt(choice);
                if (survived.computeIfAbsent(change, _ -> random.nextInt(outOf) < good)) {
                    return choice;
                }
            }
            return 0;
        };
    }
}
