package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine.Event;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;

/** One disk at one moment of a {@link CrashReplay}: what is stable, and what else may be there. */
final class CrashState {
    private static final int SECTOR = CrashMachine.SECTOR;
    private static final byte[] ZEROS = new byte[SECTOR];

    /** Decides what survived. */
    @FunctionalInterface
    interface Choice {
        /**
         * Picks one of the versions of a sector or of the length.
         *
         * @param changes the event that each came with, for versions from 1 on
         * @param choices how many there are; 0 is the stable one, the last the newest
         */
        int of(IntUnaryOperator changes, int choices);
    }

    private record Version<T>(int event, T value) {}

    private final String name;
    private final TreeMap<Long, byte[]> stable;
    private final Map<Long, List<Version<byte[]>>> pending = new LinkedHashMap<>();
    private final List<Version<Long>> lengths = new ArrayList<>();
    private long stableLength;

    CrashState(CrashDisk disk) {
        this.name = disk.name();
        this.stable = new TreeMap<>(disk.firstSectors());
        this.stableLength = disk.firstLength();
    }

    void change(int event, Event.Change change) {
        for (int i = 0; i < change.sectors().length; i++) {
            pending.computeIfAbsent(change.sectors()[i], _ -> new ArrayList<>(1))
                    .add(new Version<>(event, change.bytes()[i]));
        }
        if (change.length() != newestLength()) {
            lengths.add(new Version<>(event, change.length()));
        }
    }

    private long newestLength() {
        return lengths.isEmpty() ? stableLength : lengths.getLast().value();
    }

    /** A change is stable, and what came before in the same sectors is gone. */
    void settle(int event, long[] sectors) {
        for (long sector : sectors) {
            settle(sector, event + 1);
        }
        settleLengths(event + 1);
    }

    /** All changes before an event are stable. */
    void settleBefore(int event) {
        for (long sector : List.copyOf(pending.keySet())) {
            settle(sector, event);
        }
        settleLengths(event);
    }

    private void settle(long sector, int before) {
        List<Version<byte[]>> versions = pending.getOrDefault(sector, List.of());
        while (!versions.isEmpty() && versions.getFirst().event() < before) {
            stable.put(sector, versions.removeFirst().value());
        }
        if (versions.isEmpty()) {
            pending.remove(sector);
        }
    }

    private void settleLengths(int before) {
        while (!lengths.isEmpty() && lengths.getFirst().event() < before) {
            stableLength = lengths.removeFirst().value();
        }
    }

    /** How many states a crash can leave, {@code limit} if more. */
    long states(long limit) {
        long states = 2L * (lengths.size() + 1);
        for (List<Version<byte[]>> versions : pending.values()) {
            states = Math.min(limit, states * (versions.size() + 1));
        }
        return states;
    }

    /** What is found after a crash: a copy. */
    MemoryStorage crash(Choice choice) {
        TreeMap<Long, Version<byte[]>> survivors = new TreeMap<>();
        pending.forEach(
                (sector, versions) -> {
                    int chosen = choice.of(pick(versions), versions.size() + 1);
                    if (chosen > 0) {
                        survivors.put(sector, versions.get(chosen - 1));
                    }
                });
        int chosen = choice.of(pick(lengths), lengths.size() + 1);
        long length = chosen == 0 ? stableLength : lengths.get(chosen - 1).value();
        boolean grows = choice.of(_ -> -1, 2) == 1;
        if (grows) {
            length = Math.max(length, Math.min(longest(), end(survivors, chosen)));
        }
        TreeMap<Long, byte[]> written = new TreeMap<>();
        survivors.forEach((sector, version) -> written.put(sector, version.value()));
        MemoryStorage found = new MemoryStorage(name, length);
        copy(stable, written, found);
        copy(written, new TreeMap<>(), found);
        return found;
    }

    /** Where the last sector ends that was written since the file got its length. */
    private long end(TreeMap<Long, Version<byte[]>> survivors, int chosenLength) {
        int since = chosenLength == 0 ? -1 : lengths.get(chosenLength - 1).event();
        for (Map.Entry<Long, Version<byte[]>> each : survivors.descendingMap().entrySet()) {
            Version<byte[]> version = each.getValue();
            if (version.event() > since && !Arrays.equals(version.value(), ZEROS)) {
                return (each.getKey() + 1) * SECTOR;
            }
        }
        return 0;
    }

    private static <T> IntUnaryOperator pick(List<Version<T>> versions) {
        return choice -> versions.get(choice - 1).event();
    }

    /** A sector's end need not be a file's. */
    private long longest() {
        long longest = stableLength;
        for (Version<Long> each : lengths) {
            longest = Math.max(longest, each.value());
        }
        return longest;
    }

    private static void copy(
            Map<Long, byte[]> sectors, Map<Long, byte[]> hidden, MemoryStorage target) {
        long end = target.length();
        sectors.forEach(
                (sector, bytes) -> {
                    long size = Math.min(SECTOR, end - sector * SECTOR);
                    if (size > 0 && !hidden.containsKey(sector)) {
                        MemorySegment source = MemorySegment.ofArray(bytes).asSlice(0, size);
                        target.write(sector * SECTOR, source, Durability.CACHED);
                    }
                });
    }
}
