package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashDisk;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The power fails while an image with a journal is written to, and again while the journal is
 * replayed, and again. Whatever sectors survive each time: in the end nothing is wrong, nothing is
 * leaked, and the disk reads the same as before the replays.
 */
class JournalCrashTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int SIZE = 200 << 10;
    private static final int ROUNDS = Boolean.getBoolean("gaur.long") ? 40 : 1;

    /** Of so many states of a moment all are looked at, else so many random ones. */
    private static final int STATES = 6;

    private int replays;
    private int replaysAgain;

    private static List<Kind> kinds() {
        Qcow2CreateOptions plain = Qcow2CreateOptions.ofSize(SIZE).withJournal(true);
        Qcow2CreateOptions small = plain.withClusterSize(512);
        return List.of(
                new Kind("512", small, 0),
                new Kind("512, 64 bits", small.withRefcountBits(64), 0),
                new Kind("1k, 1 bit", plain.withClusterSize(1024).withRefcountBits(1), 30 << 10),
                new Kind("16k ext", plain.withClusterSize(16384).withExtendedL2(true), 100 << 10),
                new Kind("64k", plain, 0));
    }

    @Test
    void aReplayThatIsCutOffIsReplayedAgain() {
        for (Kind kind : kinds()) {
            for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
                Random random = new Random(seed);
                CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
                work(kind, machine.disk(kind.create()), random);
                String story = kind + ", seed " + seed;
                for (MemoryStorage left : states(machine.replay(), random, 30)) {
                    if ((HeaderCodec.read(left).autoclear() & Header.JOURNAL_VALID) != 0) {
                        crashAgain(story, kind, left, random);
                    }
                }
            }
        }
        assertTrue(replays > 50, replays + " replays");
        assertTrue(replaysAgain > 50, replaysAgain + " replays of what was cut off");
    }

    private static void work(Kind kind, CrashDisk disk, Random random) {
        byte[] model = new byte[SIZE];
        try (Image image = kind.open(disk)) {
            for (int i = 0; i < 12; i++) {
                Kinds.write(image, model, random);
                switch (random.nextInt(6)) {
                    case 0, 1 -> image.flush();
                    case 2 -> image.discard(random.nextInt(SIZE / 2) & -512, 64 << 10);
                    case 3 -> compress(image, random);
                    case 4 -> take(image);
                    default -> {}
                }
            }
        }
    }

    private static void compress(Image image, Random random) {
        int unit = image.compressing().orElseThrow().unit();
        byte[] bytes = new byte[unit];
        bytes[random.nextInt(unit)] = 7;
        long at = (long) random.nextInt(SIZE / unit) * unit;
        image.compressing().orElseThrow().writeCompressed(at, MemorySegment.ofArray(bytes));
    }

    private static void take(Image image) {
        if (image.info().snapshots().isEmpty()
                && !image.info().details().toString().contains("refcountBits=1,")) {
            SnapshotInfo wish =
                    new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
            image.snapshots().orElseThrow().create(wish);
        }
    }

    /** Some states after some of the moments. */
    private static List<MemoryStorage> states(CrashReplay replay, Random random, int moments) {
        List<MemoryStorage> all = new ArrayList<>();
        do {
            if (random.nextInt(100) < moments) {
                long states = replay.states(STATES + 1L);
                for (int i = 0; i < Math.min(states, STATES); i++) {
                    boolean few = states <= STATES;
                    all.add((few ? replay.crash(i) : replay.crash(random)).getFirst());
                }
            }
        } while (replay.next());
        return all;
    }

    private void crashAgain(String story, Kind kind, MemoryStorage left, Random random) {
        byte[] content = read(kind, left);
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
        CrashDisk disk = machine.disk(left);
        assertTrue(JournalReplay.run(disk, HeaderCodec.read(left)), story);
        replays++;
        for (MemoryStorage again : states(machine.replay(), random, 20)) {
            Header header = HeaderCodec.read(again);
            boolean valid = (header.autoclear() & Header.JOURNAL_VALID) != 0;
            assertEquals(valid, header.has(Header.DIRTY), story);
            if (valid) {
                assertTrue(JournalReplay.run(again, header), story);
                replaysAgain++;
            }
            assertFalse(HeaderCodec.read(again).has(Header.DIRTY), story);
            assertEquals(List.of(), Kinds.findings(again), story);
            assertArrayEquals(content, read(kind, again), story);
        }
    }

    private static byte[] read(Kind kind, MemoryStorage storage) {
        try (Image image = kind.open(new KeepOpen(storage, false))) {
            return TestBytes.read(image, 0, SIZE);
        }
    }

    @Test
    void whatWasWrittenWithoutAFlushCostsNoSpace() {
        Kind kind = kinds().getFirst();
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            image.write(0, MemorySegment.ofArray(new byte[512]), Durability.STABLE);
            image.write(4096, MemorySegment.ofArray(new byte[9000]), Durability.CACHED);
            MemoryStorage left = Kinds.copy(storage);
            assertTrue(JournalReplay.run(left, HeaderCodec.read(left)));
            assertEquals(List.of(), Kinds.findings(left));
        }
    }
}
