package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power fails while several threads write, in the order of a seed ({@link Schedule}). Each
 * sector has one owner. After the crash it has a value that its owner gave it, not older than the
 * last one that was written before a flush began that has returned, whoever flushed.
 */
class CrashThreadsTest {
    private static final int THREADS = 4;
    private static final int SECTOR = 512;
    private static final int OPERATIONS = 14;
    private static final int ROUNDS = ImageZoo.LONG ? 60 : 3;
    private static final int STATES = 4;
    private static final int WRITE_EVERY = 10;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k size=64k",
                "v3 cluster=4k size=64k backing=raw:40k",
                "v3 cluster=512 size=32k rc=64",
                "v3 cluster=16k size=256k ext backing=qcow2:100k",
                "v3 cluster=4k size=64k lazy backing=raw:64k",
                "v3 cluster=512 size=64k journal=4k",
                "v3 cluster=4k size=64k journal backing=raw:40k",
                "v2 cluster=4k size=64k",
                "v3 cluster=4k size=64k data",
                "v3 cluster=4k size=64k dataraw"
            })
    void whatWasFlushedWhileOthersWroteIsThere(String text, TestReporter reporter)
            throws InterruptedException {
        AtomicLong crashes = new AtomicLong();
        for (int round = 0; round < ROUNDS; round++) {
            long seed = ImageZoo.SEED + round;
            try {
                Crash crash = new Crash(ImageSpec.of(text), seed);
                crash.work();
                crashes.addAndGet(crash.look());
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError(text + " -Dgaur.seed=" + seed, failure);
            }
        }
        reporter.publishEntry("crashes", crashes.toString());
    }

    /**
     * What a sector was given.
     *
     * @param begun the machine's moment before
     * @param done when it was done, on the clock of all threads
     */
    private record Version(int begun, byte[] bytes, long done) {}

    /** A flush: when it began, on the clock of all threads, and the moment when it had returned. */
    private record Flush(long begun, int returned) {}

    private static final class Crash {
        private final Random random;
        private final ImageSpec spec;
        private final long seed;
        private final CrashMachine machine;
        private final TestImage files;
        private final Schedule schedule;
        private final List<List<Version>> sectors = new ArrayList<>();
        private final Queue<Flush> flushes = new ConcurrentLinkedQueue<>();
        private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        private final AtomicLong clock = new AtomicLong();

        Crash(ImageSpec spec, long seed) {
            this.spec = spec;
            this.seed = seed;
            this.random = new Random(seed);
            CrashMachine.Discards[] ways = CrashMachine.Discards.values();
            this.machine = new CrashMachine(ways[random.nextInt(ways.length)]);
            this.schedule = new Schedule(seed);
            TestImage created = TestImage.create(spec, random);
            List<StorageNode> disks = new ArrayList<>();
            created.files().forEach(each -> disks.add(schedule.at(machine.disk(each))));
            this.files = created.in(disks);
        }

        void work() throws InterruptedException {
            try (Image image = files.open(seed)) {
                byte[] first = TestBytes.readArray(image, 0, (int) image.length());
                for (int at = 0; at < first.length; at += SECTOR) {
                    byte[] bytes = Arrays.copyOfRange(first, at, at + SECTOR);
                    sectors.add(new ArrayList<>(List.of(new Version(-1, bytes, 0))));
                }
                List<Runnable> work = new ArrayList<>();
                for (int number = 0; number < THREADS; number++) {
                    Owner owner = new Owner(image, number);
                    work.add(owner::work);
                }
                schedule.run(work);
            }
            assertEquals(0, failures.size(), failures::toString);
        }

        /** Looks at crashes at each moment; returns how many. */
        long look() {
            CrashReplay replay = machine.replay();
            long count = 0;
            do {
                for (int i = 0; i < STATES; i++) {
                    boolean all = i == 0 && replay.position() % 2 == 0;
                    List<MemoryStorage> found =
                            all ? replay.crash(0) : replay.crash(new Random(random.nextLong()));
                    look(files.in(found), replay.position(), count++ % WRITE_EVERY == 0);
                }
            } while (replay.next());
            return count;
        }

        private void look(TestImage crashed, int moment, boolean goOn) {
            boolean dirty = crashed.isDirty();
            if (!dirty) {
                crashed.check().assertIntact();
            }
            check(crashed, moment);
            if (goOn) {
                try (Image image = crashed.open()) {
                    byte[] same = TestBytes.readArray(image, 0, SECTOR);
                    image.write(0, MemorySegment.ofArray(same), Durability.CACHED);
                }
                if (dirty) {
                    crashed.check().assertClean();
                } else {
                    crashed.check().assertIntact();
                }
                check(crashed, moment);
            }
        }

        private void check(TestImage crashed, int moment) {
            try (Image image = crashed.openToRead("")) {
                byte[] disk = TestBytes.readArray(image, 0, (int) image.length());
                for (int i = 0; i < sectors.size(); i++) {
                    byte[] found = Arrays.copyOfRange(disk, i * SECTOR, (i + 1) * SECTOR);
                    if (!mayBe(sectors.get(i), found, moment)) {
                        throw new AssertionError("sector " + i + " after a crash at " + moment);
                    }
                }
            }
        }

        private boolean mayBe(List<Version> versions, byte[] found, int moment) {
            for (Version each : versions.reversed()) {
                boolean begun = each.begun() < moment;
                if (begun && Arrays.equals(found, each.bytes())) {
                    return true;
                }
                if (begun && isStable(each, moment)) {
                    return false;
                }
            }
            return false;
        }

        private boolean isStable(Version version, int moment) {
            return flushes.stream()
                    .anyMatch(
                            each ->
                                    each.returned() <= moment
                                            && version.done() < each.begun()
                                            && version.done() > 0);
        }

        /** One of the threads. */
        private final class Owner {
            private final Image image;
            private final int number;
            private final Random own;

            Owner(Image image, int number) {
                this.image = image;
                this.number = number;
                this.own = new Random(seed * THREADS + number);
            }

            void work() {
                try {
                    for (int i = 0; i < OPERATIONS; i++) {
                        step();
                    }
                } catch (RuntimeException | AssertionError failure) {
                    failures.add(failure);
                }
            }

            private void step() {
                int perCluster = spec.clusterSize() / SECTOR;
                int clusters = (int) (spec.size() / spec.clusterSize());
                int mine = clusters / 2 / THREADS * THREADS;
                switch (own.nextInt(8)) {
                    case 0, 1, 2 -> { // In clusters that all have sectors in.
                        int stripes = (clusters - mine) * perCluster / THREADS;
                        int sector = own.nextInt(stripes) * THREADS + number;
                        change(mine * perCluster + sector, 1, own.nextInt(2));
                    }
                    case 3, 4, 5 -> { // A cluster of its own.
                        int cluster = own.nextInt(mine / THREADS) * THREADS + number;
                        change(cluster * perCluster, perCluster, own.nextInt(4));
                    }
                    default -> flush();
                }
            }

            private void flush() {
                long begun = clock.incrementAndGet();
                image.flush();
                flushes.add(new Flush(begun, machine.position()));
            }

            private void change(int first, int count, int kind) {
                int moment = machine.position();
                long offset = (long) first * SECTOR;
                int length = count * SECTOR;
                byte[] bytes = new byte[length];
                if (kind == 0 || kind == 3) {
                    bytes = Op.bytes(4L * own.nextInt() + (kind == 0 ? 2 : 0), length);
                }
                begin(first, bytes, moment);
                MemorySegment source = MemorySegment.ofArray(bytes);
                if (kind == 3 && image.compressing().isPresent()) {
                    image.compressing().orElseThrow().writeCompressed(offset, source);
                } else if (kind == 2 && spec.discardsToZero()) {
                    image.discard(offset, length);
                } else if (kind == 1 || kind == 2) {
                    image.zero(offset, length, ZeroMode.UNMAP, Durability.CACHED);
                } else {
                    image.write(offset, source, Durability.CACHED);
                }
                long done = clock.incrementAndGet();
                for (int i = 0; i < count; i++) {
                    List<Version> versions = sectors.get(first + i);
                    Version last = versions.removeLast();
                    versions.add(new Version(last.begun(), last.bytes(), done));
                }
            }

            /** Until it is done, the new value may be there; no flush makes it stable. */
            private void begin(int first, byte[] bytes, int moment) {
                for (int at = 0; at < bytes.length; at += SECTOR) {
                    byte[] sector = Arrays.copyOfRange(bytes, at, at + SECTOR);
                    sectors.get(first + at / SECTOR)
                            .add(new Version(moment, sector, Long.MAX_VALUE));
                }
            }
        }
    }
}
