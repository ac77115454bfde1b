package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Crashes where only large images come: many tables at once, refcount structures that grow. */
class CrashEdgesTest {
    private static final int SECTOR = 512;

    /** Clusters that one table of 512 bytes maps. */
    private static final int PER_TABLE = 64;

    /** More tables than a commit waits for. */
    private static final int TABLES = 2100;

    private static byte[] bytes(int table, int kind) {
        return Op.bytes(4L * (kind * TABLES + table) + 2, SECTOR);
    }

    private static long offset(int table) {
        return (long) table * PER_TABLE * SECTOR;
    }

    /** Nobody asked for a flush; but what was discarded must not show what came in its place. */
    @Test
    void manyTablesAreStableBeforeTheirSpaceIsUsedAgain() {
        ImageSpec spec = ImageSpec.of("v3 cluster=512 size=" + offset(TABLES));
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.KEEP);
        TestImage created = TestImage.create(spec, new Random(0));
        TestImage files = created.in(List.of(machine.disk(created.file())));
        CrashReplay replay;
        try (Image image = files.open()) {
            for (int table = 0; table < TABLES; table++) {
                MemorySegment old = MemorySegment.ofArray(bytes(table, 0));
                image.write(offset(table), old, Durability.CACHED);
            }
            image.flush();
            for (int table = 0; table < TABLES; table++) {
                image.discard(offset(table), SECTOR);
            }
            for (int table = 0; table < TABLES; table++) {
                MemorySegment fresh = MemorySegment.ofArray(bytes(table, 1));
                image.write(offset(table) + SECTOR, fresh, Durability.CACHED);
            }
            replay = machine.replay();
        }
        while (replay.next()) {
            // To the end.
        }
        for (int i = 0; i < 12; i++) {
            assertNothingForeign(files.in(replay.crash(new Random(ImageZoo.SEED + i))), i);
        }
    }

    private static void assertNothingForeign(TestImage crashed, int state) {
        crashed.check().assertIntact();
        try (Image image = crashed.openToRead("")) {
            for (int table = 0; table < TABLES; table++) {
                byte[] found = TestBytes.readArray(image, offset(table), SECTOR);
                boolean good =
                        Arrays.equals(found, bytes(table, 0))
                                || Arrays.equals(found, new byte[SECTOR]);
                assertTrue(good, "state " + state + ", table " + table);
            }
        }
    }

    /** No count is written before the entry, whose flush would have done for the length, too. */
    @Test
    void aFileIsLongEnoughBeforeALazyImageLinksToItsNewEnd() {
        ImageSpec spec = ImageSpec.of("v3 cluster=4k size=64k lazy");
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.KEEP);
        TestImage created = TestImage.create(spec, new Random(0));
        TestImage files = created.in(List.of(machine.disk(created.file())));
        DiskModel model = files.model();
        FormatOptions options = FormatOptions.DEFAULT;
        BitmapHistory none = new BitmapHistory();
        try (Session session = new Session(files, model, options, machine::position, false, none)) {
            session.run(new Op.Write(0, 8192, 2, false));
            session.run(new Op.Flush());
            session.run(new Op.Discard(0, 4096));
            session.run(new Op.Reopen(true)); // The file ends behind what is in use.
            session.run(new Op.Write(8192, SECTOR, 2, false)); // Where the first cluster was.
            session.run(new Op.Flush()); // Now it has the dirty bit.
            session.run(new Op.Write(12_288, SECTOR, 2, false)); // Behind the end.
            session.run(new Op.Flush());
        }
        CrashReplay replay = machine.replay();
        do {
            for (int i = 0; i < 50; i++) {
                TestImage crashed = files.in(replay.crash(new Random(ImageZoo.SEED + i)));
                try (Image image = crashed.openToRead("")) {
                    model.check(image, replay.position());
                }
            }
        } while (replay.next());
    }

    /** No cluster of a data file is counted: nothing else would bring its length to the disk. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k size=64k data",
                "v3 cluster=4k size=64k dataraw",
                "v3 cluster=4k size=64k lazy data"
            })
    void aDataFileIsLongEnoughBeforeAnImageLinksToItsNewEnd(String words) {
        ImageSpec spec = ImageSpec.of(words);
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.KEEP);
        TestImage created = TestImage.create(spec, new Random(0));
        TestImage files =
                created.in(
                        List.of(
                                machine.disk(created.file()),
                                machine.disk(created.data().orElseThrow())));
        DiskModel model = files.model();
        FormatOptions options = FormatOptions.DEFAULT;
        BitmapHistory none = new BitmapHistory();
        try (Session session = new Session(files, model, options, machine::position, false, none)) {
            session.run(new Op.Write(0, SECTOR, 2, false)); // Makes the tables.
            session.run(new Op.Flush());
            session.run(new Op.Write(12_288, SECTOR, 2, false)); // Behind the end.
            session.run(new Op.Flush());
        }
        CrashReplay replay = machine.replay();
        do {
            for (int i = 0; i < 50; i++) {
                TestImage crashed = files.in(replay.crash(new Random(ImageZoo.SEED + i)));
                try (Image image = crashed.openToRead("")) {
                    model.check(image, replay.position());
                }
            }
        } while (replay.next());
    }

    /** The first bitmap makes the file longer; its counts survive a crash, the length does not. */
    @Test
    void whatADirtyImageCountsBehindItsEndIsNotLostForGood() {
        ImageSpec spec = ImageSpec.of("v3 cluster=4k size=64k lazy");
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.KEEP);
        TestImage created = TestImage.create(spec, new Random(0));
        TestImage files = created.in(List.of(machine.disk(created.file())));
        FormatOptions options = FormatOptions.DEFAULT;
        BitmapHistory none = new BitmapHistory();
        try (Session session =
                new Session(files, files.model(), options, machine::position, false, none)) {
            session.run(new Op.Write(0, 8192, 2, false));
            session.run(new Op.Take("snapshot")); // Gives back what is left of the step.
            session.run(new Op.Write(0, SECTOR, 2, false));
            session.run(new Op.Reopen(true));
            session.run(new Op.Discard(0, 4096)); // Sets the dirty bit, and needs no cluster.
            session.run(new Op.AddBitmap("bitmap", 4096));
        }
        CrashReplay replay = machine.replay();
        do {
            for (int i = 0; i < 50; i++) {
                TestImage crashed = files.in(replay.crash(new Random(ImageZoo.SEED + i)));
                boolean dirty = crashed.isDirty();
                try (Session session = Session.of(crashed, crashed.model())) {
                    session.image()
                            .write(0, MemorySegment.ofArray(new byte[65_536]), Durability.CACHED);
                }
                if (dirty) {
                    crashed.check().assertClean();
                }
            }
        } while (replay.next());
    }

    /** Blocks and the table itself are made anew while data, snapshots and bitmaps come. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=512 size=2500k rc=64",
                "v3 cluster=512 size=2500k rc=64 lazy backing=raw:100k"
            })
    void growingRefcountStructuresSurvive(String text) {
        ImageSpec spec = ImageSpec.of(text);
        Random random = new Random(ImageZoo.SEED);
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
        TestImage created = TestImage.create(spec, random);
        TestImage files = created.in(List.of(machine.disk(created.file())));
        DiskModel model = files.model();
        BitmapHistory bitmaps = new BitmapHistory();
        FormatOptions options = FormatOptions.DEFAULT;
        try (Session session =
                new Session(files, model, options, machine::position, false, bitmaps)) {
            session.run(new Op.AddBitmap("bitmap", 512));
            for (int i = 0; i < 10; i++) {
                session.run(new Op.Write(i * 250_000L, 250_000, random.nextLong(), false));
                session.run(i % 3 == 0 ? new Op.Take("snap" + i) : new Op.Flush());
            }
            session.run(new Op.Delete(0));
        }
        files.check().assertClean(); // The old table is free again, for one.
        CrashReplay replay = machine.replay();
        int count = 0;
        do {
            for (int i = 0; i < 2; i++) {
                long seed = random.nextLong();
                look(files, model, replay, seed, count++ % 8 == 0);
            }
        } while (replay.next());
    }

    private static void look(
            TestImage files, DiskModel model, CrashReplay replay, long seed, boolean read) {
        TestImage crashed = files.in(replay.crash(new Random(seed)));
        try {
            boolean dirty = crashed.isDirty();
            if (!dirty) {
                crashed.check().assertIntact();
            }
            if (!read) {
                return;
            }
            try (Image image = crashed.openToRead("")) {
                model.check(image, replay.position());
            }
            try (Session session = Session.of(crashed, crashed.model())) {
                session.image().write(0, MemorySegment.ofArray(new byte[1000]), Durability.STABLE);
            }
            if (dirty) {
                crashed.check().assertClean();
            } else {
                crashed.check().assertIntact();
            }
        } catch (AssertionError failure) {
            String where = "crash at event %d, -Dgaur.seed=%d".formatted(replay.position(), seed);
            throw new AssertionError(where, failure);
        }
    }
}
