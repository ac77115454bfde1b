package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashDisk;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Who opens an image that was not closed, and changes it, goes on with its journal: once more and
 * once more, in whatever state it was left.
 */
class JournalResumeTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int ROUNDS = Boolean.getBoolean("gaur.long") ? 20 : 1;
    private static final int CLUSTER = 512;
    private static final int CLUSTERS = 300;
    private static final int SIZE = CLUSTERS * CLUSTER;

    private static Kind kind(Qcow2CreateOptions options) {
        return new Kind("journal", options.withJournal(true), 0);
    }

    private static Kind small() {
        return kind(Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER));
    }

    private static boolean isInForce(StorageNode storage) {
        Header header = HeaderCodec.read(storage);
        boolean valid = (header.autoclear() & Header.JOURNAL_VALID) != 0;
        assertTrue(header.has(Header.DIRTY) || !valid);
        return valid;
    }

    private static JournalPlace place(StorageNode storage) {
        return JournalPlace.of(HeaderCodec.read(storage)).orElseThrow();
    }

    /** Writes a cluster that says whose it is. */
    private static void write(Image image, int cluster, Durability durability) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[CLUSTER]);
        for (int at = 0; at < CLUSTER; at += Long.BYTES) {
            Bytes.putU64(bytes, at, cluster);
        }
        image.write((long) cluster * CLUSTER, bytes, durability);
    }

    /** Each cluster has its own bytes, or none. */
    private static void assertNobodyElsesBytes(Kind kind, StorageNode storage, String story) {
        try (Image image = kind.open(new KeepOpen(storage, false))) {
            MemorySegment bytes = MemorySegment.ofArray(TestBytes.read(image, 0, SIZE));
            for (int at = 0; at < SIZE; at += Long.BYTES) {
                long found = Bytes.u64(bytes, at);
                assertTrue(found == 0 || found == at / CLUSTER, story);
            }
        }
    }

    private static void change(Image image, Random random) {
        for (int i = random.nextInt(12); i >= 0; i--) {
            int cluster = 1 + random.nextInt(CLUSTERS - 40);
            int count = 1 + random.nextInt(30);
            if (random.nextInt(3) == 0) {
                image.discard((long) cluster * CLUSTER, (long) count * CLUSTER);
            } else {
                for (int each = cluster; each < cluster + count; each++) {
                    write(image, each, Durability.CACHED);
                }
            }
            if (random.nextInt(3) == 0) {
                image.flush();
            }
        }
    }

    /** Lets a process do so many things to a file, and no more. */
    private static final class Mortal extends StorageWrapper {
        private int left;

        Mortal(StorageNode real, int calls) {
            super(real);
            this.left = calls;
        }

        private void live() {
            if (left-- <= 0) {
                throw new BlockException.Media(name(), "", 0, "died", 5, null);
            }
        }

        @Override
        public void flush() {
            live();
            super.flush();
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            live();
            super.write(offset, source, Durability.CACHED);
            if (durability == Durability.STABLE) {
                flush();
            }
        }

        @Override
        public void zero(long offset, long length, ZeroMode mode, Durability durability) {
            live();
            super.zero(offset, length, mode, durability);
        }

        @Override
        public void discard(long offset, long length) {
            live();
            super.discard(offset, length);
        }

        @Override
        public void resize(long newLength) {
            live();
            super.resize(newLength);
        }
    }

    /** Opens it, changes it and does not close it, many times; returns how often it went on. */
    private static int die(Kind kind, StorageNode disk, Random random) {
        int resumed = 0;
        JournalPlace last = JournalPlace.NONE;
        for (int i = 0; i < 12; i++) {
            int calls = i == 0 ? 1000 : random.nextInt(200);
            try {
                change(kind.open(new Mortal(disk, calls)), random); // Nobody closes it.
            } catch (BlockException.Media _) {
                // In the midst of something.
            }
            resumed += place(disk).isOpen() && place(disk).equals(last) ? 1 : 0;
            last = place(disk);
        }
        return resumed;
    }

    @Test
    void processesDieAndThenThePowerFails() {
        int resumed = 0;
        int looked = 0;
        for (long seed = SEED; seed < SEED + ROUNDS * 8L; seed++) {
            String story = "seed " + seed;
            Random random = new Random(seed);
            Qcow2CreateOptions options = small().options();
            Kind kind = kind(random.nextBoolean() ? options : options.withRefcountBits(64));
            CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
            MemoryStorage empty = kind.create();
            if (random.nextBoolean()) {
                setJournalBytes(empty, 4 << 10); // Checkpoints all the time.
            }
            CrashDisk disk = machine.disk(empty);
            resumed += die(kind, disk, random);
            CrashReplay replay = machine.replay();
            while (replay.next()) {
                if (random.nextInt(8) == 0) {
                    MemoryStorage left = replay.crash(random).getFirst();
                    assertSound(kind, left, story, random);
                    looked++;
                }
            }
        }
        assertTrue(resumed > 8 * ROUNDS, resumed + " times it went on");
        assertTrue(looked > 300 * ROUNDS, looked + " states");
    }

    private static void setJournalBytes(MemoryStorage storage, long bytes) {
        LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
        byte[] wish = new JournalPlace(0, bytes, 0).encode();
        header.rewrite(edit -> edit.setExtension(HeaderExtension.JOURNAL, wish));
    }

    private static void assertSound(Kind kind, MemoryStorage left, String story, Random random) {
        assertNobodyElsesBytes(kind, left, story);
        MemoryStorage closed = Kinds.copy(left);
        if (isInForce(left)) {
            assertTrue(JournalReplay.run(closed, HeaderCodec.read(closed)), story);
            assertEquals(List.of(), Kinds.findings(closed), story);
        }
        try (Image image = kind.open(left)) {
            change(image, random);
            image.flush();
            MemoryStorage again = Kinds.copy(left);
            Repair.onOpen(again, HeaderCodec.read(again));
            assertEquals(List.of(), Kinds.findings(again), story);
            assertNobodyElsesBytes(kind, again, story);
        }
        assertEquals(List.of(), Kinds.findings(left), story);
        assertFalse(HeaderCodec.read(left).has(Header.DIRTY), story);
        assertNobodyElsesBytes(kind, left, story);
    }

    /** The journal's other half has begun or not, its words are in their places or not. */
    @Test
    void aProcessDiesInEachMomentOfACheckpoint() {
        Kind kind = small();
        Random random = new Random(SEED);
        boolean died = true;
        for (int calls = 1; died; calls++) {
            CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
            MemoryStorage empty = kind.create();
            setJournalBytes(empty, 4 << 10);
            CrashDisk disk = machine.disk(empty);
            died = !fillJournal(kind.open(new Mortal(disk, calls)));
            int then = machine.position();
            write(kind.open(disk), 0, Durability.STABLE);
            CrashReplay replay = machine.replay();
            while (replay.next()) {
                for (int i = 0; i < 12 && replay.position() >= then; i++) {
                    MemoryStorage left = replay.crash(random).getFirst();
                    Repair.onOpen(left, HeaderCodec.read(left));
                    String story = "died after " + calls + " calls, seed " + SEED;
                    assertEquals(List.of(), Kinds.findings(left), story);
                }
            }
            assertTrue(calls < 1000);
        }
    }

    /** Makes a few checkpoints; false if the process dies of it. */
    private static boolean fillJournal(Image image) {
        try {
            for (int i = 0; i < 6; i++) {
                write(image, i * 40, Durability.STABLE);
                image.discard(Math.max(0, i - 1) * 40L * CLUSTER, CLUSTER);
                image.flush();
            }
            return true;
        } catch (BlockException.Media _) {
            return false;
        }
    }

    /** Counts flushes, and writes of anything but data. */
    private static final class Calls extends StorageWrapper {
        private int flushes;
        private int writes;

        Calls(StorageNode real) {
            super(real);
        }

        @Override
        public void flush() {
            flushes++;
            super.flush();
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            writes++;
            flushes += durability == Durability.STABLE ? 1 : 0;
            super.write(offset, source, durability);
        }
    }

    /** What a process leaves that dies after some changes. */
    private static MemoryStorage crashed(Kind kind, long seed) {
        MemoryStorage storage = kind.create();
        Image image = kind.open(storage);
        write(image, 0, Durability.STABLE);
        change(image, new Random(seed));
        image.flush();
        return storage;
    }

    @Test
    void nothingIsWrittenForIt() {
        Kind kind = small();
        MemoryStorage left = crashed(kind, SEED);
        assertTrue(isInForce(left));
        JournalPlace before = place(left);
        Calls calls = new Calls(left);
        try (Image image = kind.open(calls)) {
            write(image, 0, Durability.STABLE); // Where it lies already.
            assertEquals(1, calls.writes);
            assertEquals(2, calls.flushes, "one for what the process may have left in memory");
            assertTrue(isInForce(left));
            assertEquals(before, place(left));
            image.discard(0, SIZE);
            image.flush();
            assertEquals(before, place(left));
        }
        assertFalse(isInForce(left));
        assertEquals(List.of(), Kinds.findings(left));
    }

    /** A block that was not stable, and one behind it that would follow the next one. */
    @Test
    void whatWouldFollowTheNextBlockEndsTheJournal() {
        Kind kind = small();
        MemoryStorage left = crashed(kind, SEED);
        JournalRing ring = new JournalRing(left, place(left));
        ring.read();
        assertFalse(ring.isCut());
        JournalRecords records = new JournalRecords();
        records.block(1, 0);
        long at = blockEnd(left);
        ring.append(records);
        ring.append(records);
        left.write(at, MemorySegment.ofArray(new byte[8]), Durability.CACHED);
        ring = new JournalRing(left, place(left));
        ring.read();
        assertTrue(ring.isCut());
        try (Image image = kind.open(left)) {
            write(image, 0, Durability.STABLE);
            assertFalse(isInForce(left), "it was replayed and closed");
            image.discard(0, SIZE);
        }
        assertEquals(List.of(), Kinds.findings(left));
    }

    /** Where the first half of the journal has no blocks any more. */
    private static long blockEnd(MemoryStorage storage) {
        long at = place(storage).offset();
        while (Bytes.u32(MemorySegment.ofArray(TestBytes.read(storage, at, 4)), 0)
                == JournalRing.MAGIC) {
            long bytes =
                    Bytes.u32(
                            MemorySegment.ofArray(
                                    TestBytes.read(storage, at + JournalRing.LENGTH_AT, 4)),
                            0);
            at += (JournalRing.HEAD_BYTES + bytes + 511) & -512;
        }
        return at;
    }

    /** A refcount block that is noted, whose cluster the file lost: its note stays in the way. */
    @Test
    void aBlockOutsideOfTheFileEndsTheJournal() {
        Kind kind = small();
        MemoryStorage left = crashed(kind, SEED);
        JournalRing ring = new JournalRing(left, place(left));
        ring.read();
        JournalRecords records = new JournalRecords();
        records.block(60, 1L << 30);
        ring.append(records);
        try (Image image = kind.open(left)) {
            write(image, 0, Durability.STABLE);
            assertFalse(isInForce(left), "it was replayed and closed");
        }
        assertEquals(List.of(), Kinds.findings(left));
    }

    /** Large blocks of counts, of which only pieces are in memory. */
    @Test
    void countsAllOverTheImage() {
        long size = 8L << 30;
        Kind kind = kind(Qcow2CreateOptions.ofSize(size).withClusterSize(16 << 10));
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(
                storage,
                java.util.Optional.empty(),
                kind.options().withPreallocation(Preallocation.METADATA));
        Random random = new Random(SEED);
        for (int round = 0; round < 4; round++) {
            Image image = kind.open(storage); // Nobody closes it.
            for (int i = 0; i < 60; i++) {
                long at = random.nextLong(size >> 14) << 14;
                image.discard(at, 16 << 10);
                if (random.nextBoolean()) {
                    long other = random.nextLong(size >> 14) << 14;
                    image.write(other, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
                }
            }
            image.flush();
        }
        assertTrue(isInForce(storage));
        try (Image image = kind.open(storage)) {
            image.discard(size / 2, 1 << 20);
        }
        assertFalse(isInForce(storage));
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void readingAgainShowsTheSame() {
        Kind kind = small();
        MemoryStorage left = crashed(kind, SEED + 1);
        byte[] before;
        try (Image image = kind.open(new KeepOpen(left, false))) {
            before = TestBytes.read(image, 0, SIZE);
        }
        try (Image image = kind.open(left)) {
            write(image, 0, Durability.STABLE);
            assertArrayEquals(before, TestBytes.read(image, 0, SIZE));
        }
    }
}
