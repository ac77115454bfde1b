package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Eight threads work on one image. Each sector has one owner, who alone writes it and knows what it
 * must read as; in the first half of the disk every cluster has sectors of all owners, in the
 * second half clusters have one owner, who discards them too. Meanwhile others flush, take and
 * remove snapshots and change the size behind the owned part.
 */
class RaceTest {
    private static final int THREADS = 8;
    private static final int SECTOR = 512;
    private static final int CLUSTERS = 32;
    private static final int ROUNDS = ImageZoo.LONG ? 30 : 3;
    private static final int OPERATIONS = 300;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k",
                "v3 cluster=4k backing=raw",
                "v3 cluster=4k lazy backing=qcow2",
                "v3 cluster=16k ext",
                "v3 cluster=16k ext backing=raw",
                "v3 cluster=4k rc=1",
                "v2 cluster=4k",
                "v3 cluster=4k data",
                "v3 cluster=64k backing=raw"
            })
    void everyOwnerFindsWhatItWrote(String text) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            long seed = ImageZoo.SEED + round;
            try {
                new Race(text, seed).run();
            } catch (AssertionError | Exception failure) {
                throw new AssertionError(text + " -Dgaur.seed=" + seed, failure);
            }
        }
    }

    /** Lets others go first now and then, in the middle of things. */
    private static final class Yielding extends StorageWrapper {
        private final AtomicLong calls = new AtomicLong();

        Yielding(StorageNode real) {
            super(real);
        }

        private void giveWay() {
            long call = calls.incrementAndGet();
            for (long i = (call * 0x9e3779b97f4a7c15L) >>> 62; i > 0; i--) {
                Thread.yield();
            }
        }

        @Override
        public void read(long offset, MemorySegment target) {
            giveWay();
            super.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            giveWay();
            super.write(offset, source, durability);
            giveWay();
        }

        @Override
        public void discard(long offset, long length) {
            giveWay();
            super.discard(offset, length);
        }

        @Override
        public void flush() {
            giveWay();
            super.flush();
            giveWay();
        }
    }

    private record Taken(String name, long from, long to) {}

    private static final class Race {
        private final long seed;
        private final TestImage files;
        private final int cluster;
        private final long size;
        private final Image image;
        private final Timeline[] sectors;
        private final AtomicLong clock = new AtomicLong();
        private final List<Taken> taken = new ArrayList<>();

        Race(String text, long seed) {
            this.seed = seed;
            ImageSpec kind = ImageSpec.of(text.replaceAll("backing=(\\w+)", "backing=$1:0"));
            this.cluster = kind.clusterSize();
            this.size = (long) CLUSTERS * cluster;
            String sized = text.replaceAll("backing=(\\w+)", "backing=$1:" + size * 3 / 4);
            ImageSpec spec = ImageSpec.of(sized + " size=" + size);
            TestImage created = TestImage.create(spec, new Random(seed));
            List<StorageNode> yielding = new ArrayList<>();
            created.files().forEach(each -> yielding.add(new Yielding(each)));
            this.files = created.in(yielding);
            this.image = files.open(seed);
            this.sectors = new Timeline[(int) (size / SECTOR)];
            byte[] first = TestBytes.readArray(image, 0, (int) size);
            for (int i = 0; i < sectors.length; i++) {
                byte[] bytes = Arrays.copyOfRange(first, i * SECTOR, (i + 1) * SECTOR);
                sectors[i] = new Timeline(bytes);
            }
        }

        void run() throws Exception {
            List<Callable<Boolean>> work = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                Owner owner = new Owner(thread);
                work.add(owner::work);
            }
            work.add(this::snapshots);
            work.add(this::sizes);
            try (ExecutorService threads = Executors.newCachedThreadPool()) {
                for (Future<Boolean> each : threads.invokeAll(work)) {
                    assertTrue(each.get());
                }
            }
            checkAll(image);
            image.flush();
            image.close();
            judge();
        }

        private boolean snapshots() {
            if (image.snapshots().isEmpty() || files.spec().options().refcountBits() == 1) {
                return true; // One bit cannot count a cluster twice.
            }
            Snapshots snapshots = image.snapshots().orElseThrow();
            for (int i = 0; i < 8; i++) {
                long from = clock.incrementAndGet();
                String name = "snap" + i;
                SnapshotInfo made =
                        snapshots.create(
                                new SnapshotInfo(
                                        "", name, Instant.EPOCH, 0, 0, 0, OptionalLong.empty()));
                if (i % 3 == 2) {
                    snapshots.delete(made.id());
                } else {
                    taken.add(new Taken(name, from, clock.incrementAndGet()));
                }
            }
            return true;
        }

        private boolean sizes() {
            boolean refused = files.spec().options().version() < 3; // It has snapshots.
            if (image.resizing().isEmpty() || files.spec().hasBacking() || refused) {
                return true;
            }
            for (int i = 0; i < 6; i++) {
                long more = i % 2 * 5L * cluster;
                image.resizing().orElseThrow().resize(size + more, Preallocation.OFF);
            }
            return true;
        }

        private void checkAll(Image disk) {
            byte[] found = TestBytes.readArray(disk, 0, (int) size);
            for (int i = 0; i < sectors.length; i++) {
                byte[] bytes = Arrays.copyOfRange(found, i * SECTOR, (i + 1) * SECTOR);
                assertArrayEquals(sectors[i].newest(), bytes, "sector " + i);
            }
        }

        private void judge() {
            files.check().assertClean();
            try (Image disk = files.openToRead("")) {
                checkAll(disk);
            }
            for (Taken each : taken) {
                try (Image disk = files.openToRead(each.name())) {
                    checkSnapshot(each, TestBytes.readArray(disk, 0, (int) size));
                }
            }
            Path folder = ImageZoo.workshop("race");
            files.export(folder);
            Qemu.assertClean(folder);
        }

        private void checkSnapshot(Taken snapshot, byte[] found) {
            for (int i = 0; i < sectors.length; i++) {
                byte[] bytes = Arrays.copyOfRange(found, i * SECTOR, (i + 1) * SECTOR);
                boolean good = sectors[i].mayHaveBeen(bytes, snapshot.from(), snapshot.to());
                assertTrue(good, () -> "sector of " + snapshot);
            }
        }

        /** One of the threads. */
        private final class Owner {
            private final int number;
            private final Random random;

            Owner(int number) {
                this.number = number;
                this.random = new Random(seed * THREADS + number);
            }

            boolean work() {
                for (int i = 0; i < OPERATIONS; i++) {
                    switch (random.nextInt(8)) {
                        case 0, 1, 2 -> shared();
                        case 3, 4, 5 -> own();
                        case 6 -> read();
                        default -> flush();
                    }
                }
                return true;
            }

            /** Writes or clears a sector in a cluster that all have sectors in. */
            private void shared() {
                int sector = random.nextInt(sectors.length / 2 / THREADS) * THREADS + number;
                change(sector, 1, random.nextInt(3) == 0 ? 1 : 0);
            }

            /** Changes part of a cluster that is all ours, or the whole. */
            private void own() {
                int perCluster = cluster / SECTOR;
                int first = (CLUSTERS / 2 + number + THREADS * random.nextInt(2)) * perCluster;
                if (random.nextBoolean()) {
                    change(first, perCluster, random.nextInt(4));
                } else {
                    int start = random.nextInt(perCluster);
                    change(
                            first + start,
                            1 + random.nextInt(perCluster - start),
                            random.nextInt(2));
                }
            }

            private void change(int first, int count, int kind) {
                long start = clock.incrementAndGet();
                long offset = (long) first * SECTOR;
                byte[] bytes = new byte[count * SECTOR];
                switch (kind) {
                    case 1 -> image.zero(offset, bytes.length, ZeroMode.UNMAP, Durability.CACHED);
                    case 2 -> {
                        image.discard(offset, bytes.length);
                        bytes = TestBytes.readArray(image, offset, bytes.length);
                        assertTrue(
                                Arrays.equals(bytes, new byte[bytes.length])
                                        || !files.spec().discardsToZero());
                    }
                    case 3 -> {
                        bytes = Op.bytes(4L * random.nextInt(), bytes.length);
                        MemorySegment source = MemorySegment.ofArray(bytes);
                        if (image.compressing().isPresent()) {
                            image.compressing().orElseThrow().writeCompressed(offset, source);
                        } else {
                            image.write(offset, source, Durability.STABLE);
                        }
                    }
                    default -> {
                        random.nextBytes(bytes);
                        image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
                    }
                }
                long end = clock.incrementAndGet();
                for (int i = 0; i < count; i++) {
                    byte[] sector = Arrays.copyOfRange(bytes, i * SECTOR, (i + 1) * SECTOR);
                    sectors[first + i].add(start, sector, end);
                }
            }

            private void read() {
                int sector = random.nextInt(sectors.length / THREADS) * THREADS + number;
                if (sector >= sectors.length / 2) {
                    int perCluster = cluster / SECTOR;
                    sector = (CLUSTERS / 2 + number) * perCluster + random.nextInt(perCluster);
                }
                byte[] found = TestBytes.readArray(image, (long) sector * SECTOR, SECTOR);
                assertArrayEquals(sectors[sector].newest(), found, "sector " + sector);
            }

            private void flush() {
                image.flush();
            }
        }
    }
}
