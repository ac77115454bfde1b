package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Readers look on while what waits in memory is written, leaves, and comes again: they never see a
 * version of a sector that is older than the one that was there when they began, nor anybody
 * else's. Each sector says whose it is and which version it has.
 */
class CowRaceTest {
    private static final int SECTOR = 512;
    private static final int CLUSTERS = 12;
    private static final int WRITERS = 2;
    private static final int READERS = 3;
    private static final int OPERATIONS = ImageZoo.LONG ? 40_000 : 1_200;
    private static final int SHARED_EVERY = 40;

    @ParameterizedTest
    @CsvSource({
        "v3 cluster=4k, raw, 1, false",
        "v3 cluster=4k, raw, 5, false",
        "v3 cluster=4k, raw, 5, true",
        "v3 cluster=16k ext, raw, 3, false",
        "v3 cluster=16k ext, raw, 3, true",
        "v3 cluster=64k, qcow2, 2, false",
        "v3 cluster=4k, none, 4, true",
        "v3 cluster=4k journal, raw, 2, true",
        "v2 cluster=4k, raw, 3, false"
    })
    void noReaderSeesWhatWasThereBefore(String kind, String below, int waiting, boolean direct)
            throws Exception {
        try (Race race = new Race(kind, below, waiting, direct)) {
            race.run();
        } catch (AssertionError | Exception failure) {
            throw new AssertionError(kind + " -Dgaur.seed=" + ImageZoo.SEED, failure);
        }
    }

    /** Lets others go first at every request. */
    private static final class Yielding extends StorageWrapper {
        private final boolean direct;

        /**
         * @param direct whether it says that it is open with O_DIRECT: then others write out
         */
        Yielding(StorageNode real, boolean direct) {
            super(real);
            this.direct = direct;
        }

        @Override
        public boolean isDirect() {
            return direct;
        }

        @Override
        public void read(long offset, MemorySegment target) {
            Thread.yield();
            super.read(offset, target);
            Thread.yield();
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            Thread.yield();
            super.write(offset, source, durability);
            Thread.yield();
        }

        @Override
        public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
            return direct ? new Late(this, offset, source) : null;
        }
    }

    /** A write that was begun, and is done only when it is finished. */
    private record Late(StorageNode file, long offset, MemorySegment source)
            implements PendingRequest {
        @Override
        public boolean isDone() {
            return false;
        }

        @Override
        public void finish() {
            file.write(offset, source, Durability.CACHED);
        }
    }

    private static final class Race implements AutoCloseable {
        private final TestImage files;
        private final Image image;
        private final int size;
        private final byte[] first;
        private final AtomicIntegerArray begun;
        private final AtomicIntegerArray done;
        private final boolean direct;
        private final AtomicInteger begunWrites = new AtomicInteger();
        private final AtomicInteger writing = new AtomicInteger(WRITERS);

        Race(String kind, String below, int waiting, boolean direct) {
            int cluster = ImageSpec.of(kind).clusterSize();
            this.size = CLUSTERS * cluster;
            this.direct = direct;
            String backing = below.equals("none") ? "" : " backing=" + below + ":" + size;
            ImageSpec spec = ImageSpec.of(kind + backing + " size=" + size);
            TestImage created = TestImage.create(spec, new Random(ImageZoo.SEED));
            this.files =
                    created.in(
                            created.files().stream()
                                    .<StorageNode>map(each -> new Yielding(each, direct))
                                    .toList());
            FormatOptions options = FormatOptions.DEFAULT;
            this.image = files.open(options.withCowCacheBytes((long) waiting * cluster));
            this.first = TestBytes.readArray(image, 0, size);
            this.begun = new AtomicIntegerArray(size / SECTOR);
            this.done = new AtomicIntegerArray(size / SECTOR);
        }

        void run() throws Exception {
            List<Callable<Boolean>> work = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int number = i;
                work.add(() -> write(number));
            }
            for (int i = 0; i < READERS; i++) {
                int number = i;
                work.add(() -> look(number));
            }
            work.add(this::flush);
            try (ExecutorService threads = Executors.newCachedThreadPool()) {
                for (Future<Boolean> each : threads.invokeAll(work)) {
                    assertTrue(each.get());
                }
            }
            lookAt(0, size / SECTOR);
            image.flush();
            assertTrue(image.cowUse().orElseThrow().writeOuts() > 100);
            assertEquals(direct, begunWrites.get() > 100, begunWrites + " were begun");
        }

        /** What a version of a sector looks like; some are zeros. */
        private byte[] content(int sector, int version) {
            if (version == 0) {
                return Arrays.copyOfRange(first, sector * SECTOR, (sector + 1) * SECTOR);
            }
            byte[] bytes = new byte[SECTOR];
            if (!isZero(version)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                while (buffer.hasRemaining()) {
                    buffer.putInt(sector).putInt(version);
                }
            }
            return bytes;
        }

        private static boolean isZero(int version) {
            return version % 16 == 5;
        }

        /** Every second pair of sectors is one writer's. */
        private boolean write(int number) {
            Random random = new Random(ImageZoo.SEED + number);
            int last = 0;
            try {
                for (int i = 0; i < OPERATIONS; i++) {
                    int pairs = size / SECTOR / 2 / WRITERS;
                    int pair = random.nextInt(3) > 0 ? last : random.nextInt(pairs);
                    change(2 * (pair * WRITERS + number), 2);
                    last = (pair + 1) % pairs;
                    if (number == 0 && i % SHARED_EVERY == 0) {
                        share();
                    }
                }
            } finally {
                writing.decrementAndGet();
            }
            return true;
        }

        /** Has all clusters shared, so that each first write has to copy. */
        private void share() {
            Snapshots snapshots = image.snapshots().orElseThrow();
            snapshots.list().forEach(each -> snapshots.delete(each.id()));
            snapshots.create(
                    new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty()));
        }

        private void change(int from, int count) {
            int version = 0;
            for (int i = from; i < from + count; i++) {
                version = Math.max(version, begun.get(i) + 1);
            }
            byte[] bytes = new byte[count * SECTOR];
            for (int i = 0; i < count; i++) {
                begun.set(from + i, version);
                System.arraycopy(content(from + i, version), 0, bytes, i * SECTOR, SECTOR);
            }
            long offset = (long) from * SECTOR;
            if (isZero(version)) {
                image.zero(offset, bytes.length, ZeroMode.UNMAP, Durability.CACHED);
            } else {
                write(offset, MemorySegment.ofArray(bytes), version % 40 == 7);
            }
            for (int i = from; i < from + count; i++) {
                done.set(i, version);
            }
        }

        private void write(long offset, MemorySegment bytes, boolean stable) {
            PendingRequest begun = stable ? null : image.beginWrite(offset, bytes);
            if (begun == null) {
                image.write(offset, bytes, stable ? Durability.STABLE : Durability.CACHED);
            } else {
                begunWrites.incrementAndGet();
                Thread.yield();
                begun.finish();
            }
        }

        private boolean flush() {
            while (writing.get() > 0) {
                image.flush();
                Thread.yield();
            }
            return true;
        }

        private boolean look(int number) {
            Random random = new Random(-ImageZoo.SEED - number);
            while (writing.get() > 0) {
                int sectors = size / SECTOR;
                int count = 1 + random.nextInt(random.nextBoolean() ? 4 : sectors / 3);
                lookAt(random.nextInt(sectors - count + 1), count);
            }
            return true;
        }

        private void lookAt(int from, int count) {
            int[] oldest = new int[count];
            for (int i = 0; i < count; i++) {
                oldest[i] = done.get(from + i);
            }
            byte[] found = new byte[count * SECTOR];
            MemorySegment target = MemorySegment.ofArray(found);
            if (from % 2 == 0 || !image.tryRead((long) from * SECTOR, target)) {
                image.read((long) from * SECTOR, target);
            }
            for (int i = 0; i < count; i++) {
                int sector = from + i;
                byte[] bytes = Arrays.copyOfRange(found, i * SECTOR, (i + 1) * SECTOR);
                boolean known = false;
                for (int v = oldest[i]; v <= begun.get(sector) && !known; v++) {
                    known = Arrays.equals(bytes, content(sector, v));
                }
                int begin = oldest[i];
                assertTrue(
                        known,
                        () ->
                                "sector %d, not of version %d or later: %s"
                                        .formatted(sector, begin, Arrays.toString(bytes)));
            }
        }

        @Override
        public void close() {
            image.close();
            files.check().assertClean();
            try (Image left = files.openToRead("")) {
                for (int i = 0; i < size / SECTOR; i++) {
                    byte[] bytes = TestBytes.readArray(left, (long) i * SECTOR, SECTOR);
                    assertTrue(Arrays.equals(bytes, content(i, done.get(i))), "sector " + i);
                }
            }
        }
    }
}
