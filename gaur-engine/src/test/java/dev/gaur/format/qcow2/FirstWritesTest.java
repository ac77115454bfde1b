package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.testkit.CountingStorage.Work;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the first write to a cluster costs, counted in requests to the files. */
class FirstWritesTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 4 << 20;
    private static final Work NOTHING = new Work(0, 0, 0, 0, 0);

    /** An open image and what its requests cost. */
    private static final class Counted implements AutoCloseable {
        final MemoryStorage storage;
        final CountingStorage file;
        final Image image;
        private Work before = NOTHING;

        /**
         * @param cow bytes of the data cache; 0 where each write is to do its work at once
         */
        Counted(MemoryStorage storage, BlockNode backing, long cow) {
            this.storage = storage;
            this.file = new CountingStorage(new KeepOpen(storage, true));
            FormatOptions options = FormatOptions.DEFAULT.withCowCacheBytes(cow);
            OneBacking below = new OneBacking(backing);
            this.image = Qcow2Format.INSTANCE.open(file, options, below);
        }

        /** What was done since the last call. */
        Work spent() {
            Work now = file.work();
            Work spent = now.since(before);
            before = now;
            return spent;
        }

        void write(long offset, int length) {
            byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) (offset / CLUSTER + 1));
            image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
        }

        /** Clusters of data, where they lie. */
        Set<Long> places() {
            Set<Long> places = new TreeSet<>();
            image.extents(
                    0,
                    SIZE,
                    extent -> {
                        if (extent instanceof Extent.Data data) {
                            for (long at = 0; at < data.length(); at += CLUSTER) {
                                places.add(data.hostOffset() + at);
                            }
                        }
                        return true;
                    });
            return places;
        }

        @Override
        public void close() {
            image.close();
        }
    }

    private static MemoryStorage create(Qcow2CreateOptions options) {
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), options);
        return storage;
    }

    private static Qcow2CreateOptions small() {
        return Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER);
    }

    private static Counted open(StorageNode storage) {
        return new Counted((MemoryStorage) storage, ZeroNode.INSTANCE, 0);
    }

    private static void takeSnapshot(Image image) {
        SnapshotInfo wish = new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        image.snapshots().orElseThrow().create(wish);
    }

    /** Full of data that a snapshot has, too. */
    private static MemoryStorage snapshotted(Qcow2CreateOptions options) {
        MemoryStorage storage = create(options);
        try (Counted counted = open(storage)) {
            counted.write(0, SIZE);
            takeSnapshot(counted.image);
        }
        return storage;
    }

    /** Full of compressed data. */
    private static MemoryStorage compressed() {
        MemoryStorage storage = create(small());
        try (Counted counted = open(storage)) {
            byte[] bytes = new byte[CLUSTER];
            for (int at = 0; at < SIZE; at += CLUSTER) {
                byte[] half = new byte[CLUSTER / 2]; // A stream takes as much, and a little.
                new Random(at).nextBytes(half);
                System.arraycopy(half, 0, bytes, 0, half.length);
                counted.image
                        .compressing()
                        .orElseThrow()
                        .writeCompressed(at, MemorySegment.ofArray(bytes));
            }
        }
        return storage;
    }

    /** How many flushes some first writes and one flush of the disk take. */
    private static long flushes(MemoryStorage storage, int writes, int bytes, long cow) {
        try (Counted counted = new Counted(storage, ZeroNode.INSTANCE, cow)) {
            counted.write(SIZE - CLUSTER, CLUSTER); // Brings about what comes once per opening.
            counted.image.flush();
            counted.spent();
            for (int i = 0; i < writes; i++) {
                counted.write((long) i * CLUSTER, bytes);
            }
            assertEquals(0, counted.spent().flushes(), "nobody has asked for one yet");
            counted.image.flush();
            return counted.spent().flushes();
        }
    }

    /**
     * Data and counts, tables, the entry that leads to a new table: with the data cache and
     * without.
     */
    private static void checkThreeFlushes(MemoryStorage storage, int writes, int bytes) {
        for (long cow : new long[] {0, FormatOptions.AUTO}) {
            MemoryStorage copy = Kinds.copy(storage);
            assertTrue(flushes(copy, writes, bytes, cow) <= 3, "data cache " + cow);
            assertEquals(List.of(), Kinds.findings(copy));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 512", "1, 4096", "100, 512", "1000, 512", "1000, 4096"})
    void afterASnapshotOneBarrierServesAllFirstWrites(int writes, int bytes) {
        checkThreeFlushes(snapshotted(small()), writes, bytes);
    }

    @ParameterizedTest
    @CsvSource({"1, 512", "1, 4096", "100, 512", "1000, 512", "1000, 4096"})
    void overCompressedClustersOneBarrierServesAllFirstWrites(int writes, int bytes) {
        checkThreeFlushes(compressed(), writes, bytes);
    }

    @Test
    void lazyCountsCostNoBarrierOfTheirOwn() {
        checkThreeFlushes(snapshotted(small().withLazyRefcounts(true)), 1000, 512);
    }

    @Test
    void wholeClustersOverCompressedOnesReadNoStream() {
        try (Counted counted = open(compressed())) {
            counted.write(100 * CLUSTER, CLUSTER); // Reads the table.
            counted.spent();
            counted.write(0, 64 * CLUSTER);
            assertEquals(0, counted.spent().reads());
            counted.write(64 * CLUSTER, 512);
            assertTrue(counted.spent().reads() > 0, "what is left of it is needed");
        }
    }

    /** Whether any cluster that was freed before a barrier is used again before it. */
    private static void checkReuse(MemoryStorage storage, Consumer<Counted> freeing) {
        try (Counted counted = open(storage)) {
            Set<Long> before = counted.places();
            freeing.accept(counted);
            counted.write(SIZE / 2, SIZE / 4);
            Set<Long> now = counted.places();
            now.removeAll(before);
            assertTrue(now.size() >= SIZE / 4 / CLUSTER, "all of it is new");
            counted.image.flush();
            long length = counted.storage.length();
            counted.write(0, SIZE / 4);
            assertTrue(counted.storage.length() <= length, "what is free is used after a barrier");
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void discardedClustersAreUsedAgainOnlyAfterABarrier() {
        MemoryStorage storage = create(small());
        try (Counted counted = open(storage)) {
            counted.write(0, SIZE / 2);
        }
        checkReuse(storage, counted -> counted.image.discard(0, SIZE / 2));
    }

    @Test
    void placesOfCompressedClustersAreUsedAgainOnlyAfterABarrier() {
        MemoryStorage storage = compressed();
        byte[] old = TestBytes.read(storage, 0, (int) storage.length());
        try (Counted counted = open(storage)) {
            counted.write(0, SIZE / 2);
            // Reused or not, none of the bytes that a crash would need has changed.
            byte[] now = TestBytes.read(storage, 0, old.length);
            assertArrayEquals(old, now);
            counted.image.flush();
            long length = counted.storage.length();
            counted.write(SIZE / 2, SIZE / 8);
            assertTrue(counted.storage.length() <= length);
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void countsOfWhatASnapshotKeepsAreLoweredOnlyAfterABarrier() {
        MemoryStorage storage = snapshotted(small());
        byte[] old = TestBytes.read(storage, 0, (int) storage.length());
        try (Counted counted = open(storage)) {
            counted.write(0, SIZE / 2);
            assertArrayEquals(old, TestBytes.read(storage, 0, old.length));
            counted.image.flush();
            assertEquals(List.of(), Kinds.damage(Kinds.copy(storage))); // Counts come later.
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    /** Notes which bytes the file is told of that will be written. */
    private static final class Announced extends StorageWrapper {
        final List<Long> ends = new ArrayList<>();
        private long bytes;

        private final boolean slowly;

        Announced(StorageNode real, boolean slowly) {
            super(real);
            this.slowly = slowly;
        }

        @Override
        public boolean isDirect() {
            return slowly;
        }

        @Override
        public boolean writable() {
            return true;
        }

        @Override
        public void reserve(long offset, long count) {
            assertTrue(ends.isEmpty() || offset >= ends.getLast(), "nothing is announced twice");
            assertTrue(offset + count <= length(), "nor what the file does not have");
            ends.add(offset + count);
            bytes += count;
        }
    }

    @Test
    void spaceIsAnnouncedStepByStepWhereClustersAreFilled() {
        Announced file = new Announced(create(small()), false);
        try (Image image = OneBacking.NONE.open(file)) {
            image.write(0, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
            assertEquals(0, file.bytes, "the rest of the cluster stays a hole");
            image.write(CLUSTER, MemorySegment.ofArray(new byte[SIZE / 2]), Durability.CACHED);
            assertTrue(file.bytes >= SIZE / 2, "what is filled is announced");
            assertTrue(file.ends.size() <= 4, "many clusters at once: " + file.ends);
            assertEquals(file.length(), file.ends.getLast());
            assertTrue(file.bytes <= SIZE / 2 + (2 << 20), "and not much more");
        }
    }

    @ParameterizedTest
    @CsvSource({"4096, true", "65536, true", "262144, false"})
    void partsOfClustersAreAnnouncedWherePlaceIsFoundSlowly(int cluster, boolean announced) {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(cluster);
        Announced file = new Announced(create(options), true);
        try (Image image = OneBacking.NONE.open(file)) {
            image.write(512, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
            assertEquals(announced, file.bytes > 0);
        }
    }

    // ---- preallocation and subclusters

    @ParameterizedTest
    @EnumSource(
            value = Preallocation.class,
            names = {"METADATA", "FALLOC", "FULL"})
    void whatIsPreallocatedIsOverwrittenAtOnce(Preallocation preallocation) {
        for (boolean extended : new boolean[] {false, true}) {
            Qcow2CreateOptions options =
                    Qcow2CreateOptions.ofSize(SIZE)
                            .withClusterSize(1 << 16)
                            .withExtendedL2(extended)
                            .withPreallocation(preallocation);
            MemoryStorage storage = create(options);
            long length = storage.length();
            try (Counted counted = open(storage)) {
                counted.write(0, CLUSTER); // Reads the tables.
                counted.spent();
                for (int at = 1 << 16; at < SIZE; at += 1 << 16) {
                    counted.write(at + 8192, CLUSTER);
                    assertEquals(new Work(0, 0, 1, CLUSTER, 0), counted.spent());
                }
                counted.image.flush();
                // QEMU leaves the bits of subclusters to the first write of each, and so do we.
                Work flush = extended ? new Work(0, 0, 1, 1024, 2) : new Work(0, 0, 0, 0, 1);
                assertEquals(flush, counted.spent());
                assertEquals(length, storage.length());
            }
            assertEquals(List.of(), Kinds.findings(storage));
        }
    }

    /** Of a cluster of 64 KiB a subcluster is 2 KiB. */
    @ParameterizedTest
    @CsvSource({
        "0, 4096, 0", // whole ones
        "2048, 2048, 0",
        "1024, 512, 1536", // a part of one
        "1024, 4096, 2048", // the head of one, a whole one, the head of another
        "61440, 4096, 0",
        "64000, 1024, 1024"
    })
    void subclustersLimitWhatIsCopied(int at, int length, int copied) {
        CountingStorage base =
                new CountingStorage(
                        new MemoryStorage("base", TestBytes.patchy(new Random(1), SIZE)));
        MemoryStorage storage =
                create(
                        Qcow2CreateOptions.ofSize(SIZE)
                                .withClusterSize(1 << 16)
                                .withExtendedL2(true)
                                .withBacking("base", "raw"));
        try (Counted counted = new Counted(storage, base, 0)) {
            counted.write(SIZE - (1 << 16), 1 << 16);
            counted.spent();
            Work before = base.work();
            counted.write((1 << 16) + at, length);
            assertEquals(copied, base.work().since(before).bytesRead());
            assertEquals(new Work(0, 0, 1, length + copied, 0), counted.spent());
            // The next one into the same cluster needs no other place.
            before = base.work();
            counted.write((1 << 16) + 32768, 2048);
            assertEquals(NOTHING, base.work().since(before));
            assertEquals(new Work(0, 0, 1, 2048, 0), counted.spent());
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 65536})
    void withoutSubclustersAllOfTheClusterIsCopied(int length) {
        CountingStorage base =
                new CountingStorage(
                        new MemoryStorage("base", TestBytes.patchy(new Random(1), SIZE)));
        MemoryStorage storage = create(Qcow2CreateOptions.ofSize(SIZE).withBacking("base", "raw"));
        try (Counted counted = new Counted(storage, base, 0)) {
            counted.write(SIZE - (1 << 16), 1 << 16);
            counted.spent();
            counted.write(0, length);
            assertEquals((1 << 16) - length, base.bytesRead());
            assertEquals(new Work(0, 0, 1, 1 << 16, 0), counted.spent());
        }
    }
}
