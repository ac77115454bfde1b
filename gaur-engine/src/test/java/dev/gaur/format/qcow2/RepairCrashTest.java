package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.RepairMode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageWrapper;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Every crash during a repair: between two flushes any of the sectors written may have reached the
 * disk or not. What is left is no worse than before, and the next repair ends as well as one that
 * was not interrupted.
 */
class RepairCrashTest {
    private static final int SECTOR = 512;
    private static final int TRIALS = 12;

    /** A flush and so many sectors that any part of them is one of the trials. */
    private static final int FEW = 4;

    private static final long SEED = Long.getLong("gaur.seed", 20261126L);

    /** A sector that was written; a flush if it has no bytes. */
    private record Event(long offset, byte[] bytes) {
        boolean isFlush() {
            return bytes.length == 0;
        }
    }

    /** Storage in memory that remembers all changes, sector by sector. */
    private static final class Recording extends StorageWrapper {
        private final List<Event> events = new ArrayList<>();

        Recording(StorageNode real) {
            super(real);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            byte[] bytes = source.toArray(ValueLayout.JAVA_BYTE);
            for (int at = 0; at < bytes.length; ) {
                int size = Math.min(bytes.length - at, SECTOR - (int) ((offset + at) % SECTOR));
                byte[] part = new byte[size];
                System.arraycopy(bytes, at, part, 0, size);
                events.add(new Event(offset + at, part));
                at += size;
            }
            super.write(offset, source, durability);
        }

        @Override
        public void flush() {
            events.add(new Event(0, new byte[0]));
        }
    }

    /** What a check finds: counters, and which clusters are used but not counted. */
    private record Verdict(CheckReport report, Set<String> lost, boolean dirty) {
        static Verdict of(byte[] image) {
            Set<String> lost = new HashSet<>();
            CheckListener listener =
                    new CheckListener() {
                        @Override
                        public void found(CheckFinding finding) {
                            if (finding.text().contains(" refcount=0 reference=")) {
                                lost.add(finding.text());
                            }
                        }
                    };
            try (MemoryStorage storage = new MemoryStorage("tiny", image)) {
                Header header = HeaderCodec.readForCheck(storage);
                CheckReport report = new ConsistencyCheck(storage, header).check(listener);
                return new Verdict(report, lost, header.has(Header.DIRTY));
            }
        }
    }

    @Test
    void anyCrashLeavesAnImageThatIsNoWorseAndCanBeRepaired() {
        DamagedImages.damaged().forEach((name, image) -> crashEverywhere(name, image.toBytes()));
    }

    private static void crashEverywhere(String name, byte[] image) {
        Verdict before = Verdict.of(image);
        Recording disk = new Recording(new MemoryStorage("tiny", image));
        CheckReport done = repair(disk);
        assertTrue(done.isClean(), name + done);
        assertTrue(disk.events.getLast().isFlush(), name + ": not all is stable at the end");
        int flushed = 0;
        int crashes = 0;
        for (int i = 0; i <= disk.events.size(); i++) {
            if (i == disk.events.size() || disk.events.get(i).isFlush()) {
                for (int trial = 0; trial < TRIALS; trial++) {
                    byte[] left = leftBy(image, disk.events, flushed, i, trial);
                    String what = "%s, crash before event %d, trial %d, seed %d";
                    judge(what.formatted(name, i, trial, SEED), before, left);
                    crashes++;
                }
                flushed = i;
            }
        }
        assertTrue(crashes >= 2 * TRIALS, name + ": only " + crashes);
    }

    /** All that was flushed, and some of what was not: if that is little, each part of it. */
    private static byte[] leftBy(
            byte[] image, List<Event> events, int flushed, int end, int trial) {
        Random random = new Random(SEED ^ (long) end << 32 ^ trial);
        try (MemoryStorage storage = new MemoryStorage("tiny", image)) {
            int chance = random.nextInt(5);
            int pending = 0;
            for (int i = 0; i < end; i++) {
                Event event = events.get(i);
                if (event.isFlush()) {
                    continue;
                }
                boolean survives = i < flushed || random.nextInt(4) < chance;
                if (i > flushed && end - flushed <= FEW) {
                    survives = (trial >> pending++ & 1) != 0;
                }
                if (survives) {
                    MemorySegment bytes = MemorySegment.ofArray(event.bytes());
                    storage.write(event.offset(), bytes, Durability.CACHED);
                }
            }
            return bytes(storage);
        }
    }

    private static void judge(String what, Verdict before, byte[] left) {
        DamagedImages.assertDataIntact(left);
        Verdict after = Verdict.of(left);
        assertTrue(before.lost().containsAll(after.lost()), what + after);
        assertTrue(after.report().corruptions() <= before.report().corruptions() + 2, what + after);
        boolean trusted = before.dirty() && !after.dirty(); // So nobody will repair it.
        assertTrue(!trusted || after.report().corruptions() == 0, what + after);
        try (MemoryStorage storage = new MemoryStorage("tiny", left)) {
            CheckReport again = repair(storage);
            assertTrue(again.isClean(), what + again);
            DamagedImages.assertDataIntact(bytes(storage));
            assertEquals("", Verdict.of(bytes(storage)).report().failure(), what);
            assertTrue(Verdict.of(bytes(storage)).report().isClean(), what);
        }
    }

    private static CheckReport repair(StorageNode storage) {
        Header header = HeaderCodec.readForCheck(storage);
        return new Repair(storage, header).repair(RepairMode.ALL, CheckListener.NONE);
    }

    private static byte[] bytes(StorageNode storage) {
        byte[] bytes = new byte[(int) storage.length()];
        storage.read(0, MemorySegment.ofArray(bytes));
        return bytes;
    }
}
