package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.DiskModel;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power fails after each call that an image makes to its files. Of what was not flushed any
 * subset of sectors may survive: all subsets where they are few, random ones where they are many.
 * Then nothing is corrupt (space may be lost, the dirty bit set), each sector has a value that it
 * had since the last flush, snapshots are whole, no bitmap claims less than what changed, and the
 * image takes writes: with the dirty bit, too, which a repair before the first of them clears.
 */
class CrashTest {
    private static final int SEEDS = ImageZoo.LONG ? 60 : 3;
    private static final int OPERATIONS = 30;

    /** The most states of one moment that are all looked at. */
    private static final int ALL_STATES = 64;

    /** How many states of a moment are looked at where there are more. */
    private static final int SOME_STATES = 6;

    private static final int WRITE_EVERY = 8;
    private static final int REPAIR_EVERY = 3;
    private static final int QEMU_EVERY = 500;

    private final AtomicLong crashes = new AtomicLong();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=512 size=24k",
                "v3 cluster=512 size=60k rc=64",
                "v3 cluster=4k size=100k",
                "v3 cluster=4k size=60k rc=1",
                "v3 cluster=64k size=640k",
                "v3 cluster=512k size=1536k",
                "v2 cluster=1k size=40k",
                "v2 cluster=4k size=60k backing=qcow2:30k",
                "v3 cluster=1k size=40k lazy",
                "v3 cluster=4k size=60k lazy backing=raw:80k",
                "v3 cluster=16k size=160k ext",
                "v3 cluster=32k size=200k ext backing=qcow2:100k",
                "v3 cluster=16k size=100k ext backing=raw:50k pre=metadata",
                "v3 cluster=4k size=100k backing=raw:60k",
                "v3 cluster=1k size=30k backing=qcow2:50k zstd",
                "v3 cluster=4k size=60k pre=metadata",
                "v3 cluster=4k size=60k data",
                "v3 cluster=4k size=60k dataraw",
                "v3 cluster=512 size=60k journal",
                "v3 cluster=512 size=60k journal=4k",
                "v3 cluster=512 size=60k journal=1k",
                "v3 cluster=512 size=100k journal=16k rc=64",
                "v3 cluster=1k size=100k journal=2k rc=1",
                "v3 cluster=1k size=40k journal rc=64 lazy",
                "v3 cluster=4k size=100k journal backing=raw:60k zstd",
                "v3 cluster=16k size=160k ext journal",
                "v3 cluster=64k size=640k journal",
                "v3 cluster=4k size=60k data journal",
                "raw size=40k"
            })
    void whateverSurvivesIsIntact(String text, TestReporter reporter) {
        ImageSpec spec = ImageSpec.of(text);
        LongStream.range(ImageZoo.SEED, ImageZoo.SEED + SEEDS)
                .parallel()
                .forEach(seed -> crashAll(seed, spec));
        reporter.publishEntry("crashes", crashes.toString());
    }

    @Test
    void randomImagesSurviveToo(TestReporter reporter) {
        LongStream.range(ImageZoo.SEED, ImageZoo.SEED + 6L * SEEDS)
                .parallel()
                .forEach(seed -> crashAll(seed, ImageSpec.random(new Random(seed), 10)));
        assertTrue(crashes.get() > 0);
        reporter.publishEntry("crashes", crashes.toString());
    }

    private void crashAll(long seed, ImageSpec spec) {
        Random random = new Random(seed);
        List<Op> ops = Workload.random(random, spec, Workload.Extras.CLEAN, OPERATIONS);
        Story story = new Story(seed, spec, ops);
        story.tell(
                () -> {
                    CrashMachine.Discards[] ways = CrashMachine.Discards.values();
                    // A raw disk may read as whatever the file chooses: garbage would be right.
                    int known = spec.raw() ? CrashMachine.Discards.GARBAGE.ordinal() : ways.length;
                    CrashMachine machine = new CrashMachine(ways[random.nextInt(known)]);
                    TestImage created = TestImage.create(spec, random);
                    List<StorageNode> disks = new ArrayList<>();
                    created.files().forEach(each -> disks.add(machine.disk(each)));
                    TestImage files = created.in(disks);
                    DiskModel model = files.model();
                    BitmapHistory bitmaps = new BitmapHistory();
                    try (Session session =
                            new Session(
                                    files,
                                    model,
                                    Workload.options(random, spec),
                                    machine::position,
                                    false,
                                    bitmaps)) {
                        session.run(ops);
                    }
                    new Judge(story, files, model, bitmaps, random)
                            .crashEverywhere(machine.replay());
                });
    }

    /** Looks at the crashes of one run. */
    private final class Judge {
        private final Story story;
        private final TestImage files;
        private final DiskModel model;
        private final BitmapHistory bitmaps;
        private final Random random;
        private int looked; // By each run itself: its seed alone says what it does.

        Judge(Story story, TestImage files, DiskModel model, BitmapHistory bitmaps, Random random) {
            this.story = story;
            this.files = files;
            this.model = model;
            this.bitmaps = bitmaps;
            this.random = random;
        }

        void crashEverywhere(CrashReplay replay) {
            do {
                long states = replay.states(ALL_STATES + 1L);
                if (states <= ALL_STATES) {
                    for (long state = 0; state < states; state++) {
                        look(replay, replay.crash(state), "state " + state);
                    }
                } else {
                    look(replay, replay.crash(0), "all lost");
                    look(replay, replay.crashWithoutLoss(), "nothing lost");
                    for (int i = 0; i < SOME_STATES; i++) {
                        long seed = random.nextLong();
                        look(replay, replay.crash(new Random(seed)), "random state " + seed);
                    }
                }
            } while (replay.next());
        }

        private void look(CrashReplay replay, List<MemoryStorage> found, String which) {
            long all = crashes.incrementAndGet();
            try {
                TestImage crashed = files.in(found);
                if (all % QEMU_EVERY == 0 && !files.spec().raw()) {
                    askQemu(crashed);
                }
                look(crashed, replay.position(), looked++);
            } catch (RuntimeException | AssertionError failure) {
                String where = "crash at event %d, %s%n".formatted(replay.position(), which);
                throw story.retold(where, failure);
            }
        }

        private void look(TestImage crashed, long moment, int number) {
            boolean dirty = crashed.isDirty();
            if (!dirty) {
                crashed.assertIntactAfterStop();
            }
            List<DiskModel.Snapshot> snapshots;
            Map<String, byte[]> marked;
            try (Image image = crashed.openToRead("")) {
                model.check(image, moment);
                marked = bitmaps.check(image, moment);
                snapshots = model.checkSnapshots(names(image), moment);
            }
            checkSnapshots(crashed, model, snapshots);
            if (number % (dirty ? REPAIR_EVERY : WRITE_EVERY) == 0) {
                goOn(crashed, dirty, snapshots, new BitmapHistory(marked));
            }
        }

        private static void checkSnapshots(
                TestImage left, DiskModel known, List<DiskModel.Snapshot> snapshots) {
            for (DiskModel.Snapshot each : snapshots) {
                try (Image image = left.openToRead(each.name())) {
                    known.checkSnapshot(each, image);
                }
            }
        }

        /** QEMU finds nothing but lost space; what is dirty it repairs first. */
        private void askQemu(TestImage crashed) {
            Path folder = ImageZoo.workshop("crash-" + Thread.currentThread().threadId());
            crashed.export(folder);
            if (crashed.wantsRepair()) {
                Qemu.repair(folder);
            }
            Qemu.assertIntact(folder);
        }

        /**
         * Somebody works with what is left: old sectors stay, new ones come. What was dirty is
         * repaired by that, and nothing is lost any more.
         */
        private void goOn(
                TestImage crashed,
                boolean dirty,
                List<DiskModel.Snapshot> snapshots,
                BitmapHistory known) {
            DiskModel rest = crashed.model();
            try (Session session = Session.of(crashed, rest, known)) {
                rest.settle(session.image(), snapshots);
                long offset = random.nextLong(session.image().length());
                session.run(new Op.Write(offset, 3000, random.nextLong(), false));
                session.run(new Op.Write(offset / 2, 100_000, random.nextLong(), false));
                session.checkAll();
                session.flush();
            }
            if (dirty) {
                crashed.check().assertClean();
            } else {
                crashed.assertIntactAfterStop();
            }
            assertFalse(crashed.isDirty());
            try (Image image = crashed.openToRead("")) {
                rest.check(image, DiskModel.NOW);
                known.check(image, DiskModel.AFTER_ALL);
            }
            checkSnapshots(crashed, rest, snapshots);
        }
    }

    private static List<String> names(Image image) {
        return image.info().snapshots().stream().map(SnapshotInfo::name).toList();
    }

    @Test
    void aStorageThatForgetsToFlushIsCaught() {
        ImageSpec spec = ImageSpec.of("raw size=10k");
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.ZERO);
        TestImage created = TestImage.create(spec, new Random(0));
        StorageNode disk = machine.disk(created.file());
        DiskModel model = created.model();
        model.begin(machine.position());
        byte[] bytes = Op.bytes(2, 512);
        disk.write(0, MemorySegment.ofArray(bytes), Durability.CACHED);
        model.write(0, bytes, true);
        model.begin(machine.position());
        model.flushed(machine.position()); // So it says.
        TestImage files = created.in(List.of(disk));
        Story story = new Story(0, spec, List.of());
        Judge judge = new Judge(story, files, model, new BitmapHistory(), new Random(0));
        assertThrows(AssertionError.class, () -> judge.crashEverywhere(machine.replay()));
    }
}
