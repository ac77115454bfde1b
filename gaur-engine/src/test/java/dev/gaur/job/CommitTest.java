package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.MemoryChain;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.WatchedStorage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommitTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261125L);
    private static final int SIZE = 2_500_096;

    private static List<StorageNode> kept(List<? extends StorageNode> storages) {
        return storages.stream().map(RebaseTest::keep).toList();
    }

    private static byte[] content(List<? extends StorageNode> storages) {
        try (BlockDevice device = MemoryChain.open(kept(storages))) {
            return TestBytes.read(device, 0, (int) device.length());
        }
    }

    /** A chain of three to four layers of random kinds and sizes, from top to base. */
    private static List<MemoryStorage> chain(Random random) {
        List<MemoryStorage> layers = new ArrayList<>();
        if (random.nextBoolean()) {
            int size = 1 + random.nextInt(2 * SIZE); // The last sector need not be whole.
            layers.add(new MemoryStorage("raw", TestBytes.patchy(random, size)));
        } else {
            layers.add(MemoryChain.create("base", RebaseTest.kind(random, 2 * SIZE)));
        }
        for (int i = 0; i < 2 + random.nextInt(2); i++) {
            try (BlockDevice device = MemoryChain.open(kept(layers))) {
                MemoryChain.scribble(device, random, 4);
            }
            int most = 512 * (1 + random.nextInt(2 * SIZE / 512));
            int size = layers.size() == 1 ? 2 * SIZE : most; // The base need not grow.
            Qcow2CreateOptions options = RebaseTest.kind(random, size);
            layers.addFirst(MemoryChain.create("layer", options.withBacking("below", "raw")));
        }
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            MemoryChain.scribble(device, random, 4);
        }
        return layers;
    }

    /** In the image, and in the one that it is committed to. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatWaitsInMemoryIsCommitted(boolean raw) {
        Random random = new Random(SEED);
        List<MemoryStorage> layers = two(raw, 1 << 16);
        byte[] expected = content(layers);
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            BlockDevice below = MemoryChain.from(device, 1);
            for (int at = 100; at < SIZE - 5000; at += 3 << 16) {
                byte[] bytes = TestBytes.patchy(random, 5000);
                int there = at + (1 << 16); // Another cluster, seen unless the image has it.
                if (there < SIZE - 5000) {
                    below.write(there, MemorySegment.ofArray(bytes), Durability.CACHED);
                }
                device.write(at, MemorySegment.ofArray(bytes), Durability.CACHED);
            }
            expected = TestBytes.read(device, 0, expected.length);
            assertTrue(waiting(device) > 0);
            Commit.run(device, 1, 2, 0, new JobControl());
            assertEquals(0, raw ? 0 : waiting(below), "it is stable");
            assertArrayEquals(expected, content(layers.subList(1, 2)), "as if we died now");
            Commit.makeEmpty(device);
            assertEquals(0, waiting(device));
            assertTrue(isEmpty(device));
            assertArrayEquals(expected, TestBytes.read(device, 0, expected.length));
        }
        assertArrayEquals(expected, content(layers));
        RebaseTest.check(layers.getFirst(), false, "image");
    }

    private static long waiting(BlockDevice device) {
        return device.image().cowUse().orElseThrow().bytes();
    }

    @RepeatedTest(60)
    void theBackingFileReadsAsTheImageDid(RepetitionInfo info) {
        long seed = SEED + info.getCurrentRepetition();
        Random random = new Random(seed);
        List<MemoryStorage> layers = chain(random);
        int depth = 1 + random.nextInt(layers.size() - 1);
        boolean drops = depth == 1 && random.nextBoolean();
        byte[] expected = content(layers);
        byte[] below = content(layers.subList(depth, layers.size()));
        int workers = 1 + random.nextInt(4);
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            boolean raw = device.layers().get(depth).info().format().equals("raw");
            if (below.length < expected.length && !raw) {
                return; // Growing qcow2 images has its own tests.
            }
            Commit.run(device, depth, workers, 0, new JobControl());
            if (drops) {
                Commit.makeEmpty(device);
                assertTrue(isEmpty(device), "seed " + seed);
            }
            assertArrayEquals(expected, TestBytes.read(device, 0, expected.length));
        }
        byte[] base = content(layers.subList(depth, layers.size()));
        byte[] whole = Arrays.copyOf(below, Math.max(below.length, expected.length));
        System.arraycopy(expected, 0, whole, 0, expected.length);
        assertArrayEquals(whole, base, "seed " + seed);
        assertArrayEquals(expected, content(layers), "seed " + seed);
        for (MemoryStorage layer : layers.subList(0, layers.size() - 1)) {
            RebaseTest.check(layer, false, "seed " + seed);
        }
    }

    private static boolean isEmpty(BlockDevice device) {
        boolean[] empty = {true};
        device.extents(
                0,
                Math.min(device.length(), device.layers().get(1).length()),
                extent -> empty[0] = extent.depth() > 0);
        return empty[0];
    }

    private static List<MemoryStorage> two(boolean raw, int clusterSize) {
        Random random = new Random(SEED);
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(clusterSize);
        MemoryStorage base =
                raw ? new MemoryStorage("base", SIZE) : MemoryChain.create("base", options);
        MemoryStorage top = MemoryChain.create("top", options.withBacking("base", "raw"));
        try (BlockDevice device = MemoryChain.open(kept(List.of(base)))) {
            MemoryChain.scribble(device, random, 3);
        }
        try (BlockDevice device = MemoryChain.open(kept(List.of(top, base)))) {
            MemoryChain.scribble(device, random, 5);
        }
        return List.of(top, base);
    }

    @Test
    void anEmptiedImageIsSmallAndCanBeWrittenAgain() {
        List<MemoryStorage> layers = two(true, 4096);
        byte[] model = content(layers);
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            Random random = new Random(SEED);
            for (int round = 0; round < 3; round++) {
                Commit.run(device, 1, 2, 0, new JobControl());
                Commit.makeEmpty(device);
                assertTrue(layers.getFirst().length() <= 8 * 4096);
                byte[] bytes = TestBytes.patchy(random, 100_000);
                device.write(70_000, MemorySegment.ofArray(bytes), Durability.CACHED);
                System.arraycopy(bytes, 0, model, 70_000, bytes.length);
                byte[] compressible = new byte[4096];
                Arrays.fill(compressible, (byte) (round + 1));
                device.image()
                        .compressing()
                        .orElseThrow()
                        .writeCompressed(0, MemorySegment.ofArray(compressible));
                System.arraycopy(compressible, 0, model, 0, 4096);
                assertArrayEquals(new byte[] {model[9]}, TestBytes.read(device, 9, 1));
                assertArrayEquals(model, TestBytes.read(device, 0, SIZE));
            }
        }
        RebaseTest.check(layers.getFirst(), false, "seed " + SEED);
        assertArrayEquals(model, content(layers));
    }

    @Test
    void aNewBitmapOfTheImageSurvivesThatItIsEmptied() {
        List<MemoryStorage> layers = two(true, 4096);
        byte[] model = content(layers);
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            Bitmaps bitmaps = device.image().bitmaps().orElseThrow();
            bitmaps.add("one", 65536, true);
            Commit.run(device, 1, 2, 0, new JobControl());
            Commit.makeEmpty(device);
            device.write(70_000, MemorySegment.ofArray(new byte[] {1}), Durability.CACHED);
            model[70_000] = 1;
            CheckListener nobody = CheckListener.NONE;
            CheckReport report = device.image().checker().orElseThrow().check(nobody);
            assertEquals(0, report.corruptions());
            device.write(140_000, MemorySegment.ofArray(new byte[] {2}), Durability.CACHED);
            model[140_000] = 2;
            assertEquals(1, bitmaps.list().size());
        }
        RebaseTest.check(layers.getFirst(), false, "seed " + SEED);
        assertArrayEquals(model, content(layers));
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            assertEquals("one", device.image().info().bitmaps().getFirst().name());
        }
        RebaseTest.check(layers.getFirst(), false, "seed " + SEED);
    }

    @Test
    void everyFailingChangeLeavesTheDiskAsItWas() {
        for (boolean raw : new boolean[] {true, false}) {
            List<MemoryStorage> layers = two(raw, 4096);
            byte[] expected = content(layers);
            for (boolean topFails : new boolean[] {true, false}) {
                boolean failed = true;
                for (int changes = 0; failed; changes += 1 + changes / 16) {
                    failed = failsAfter(layers, expected, topFails, changes);
                }
            }
        }
    }

    private static boolean failsAfter(
            List<MemoryStorage> layers, byte[] expected, boolean topFails, int changes) {
        MemoryStorage top = MemoryChain.copy(layers.get(0));
        MemoryStorage base = MemoryChain.copy(layers.get(1));
        FailingStorage failing = new FailingStorage(topFails ? top : base, changes);
        List<StorageNode> chain =
                topFails
                        ? List.of(failing, RebaseTest.keep(base))
                        : List.of(RebaseTest.keep(top), failing);
        try (BlockDevice device = MemoryChain.open(chain)) {
            Commit.run(device, 1, 2, 0, new JobControl());
            Commit.makeEmpty(device);
        } catch (BlockException.Media _) {
            assertTrue(failing.hasFailed());
        }
        String when = (topFails ? "top" : "base") + " fails after " + changes + ", seed " + SEED;
        assertArrayEquals(expected, content(List.of(top, base)), when);
        RebaseTest.check(top, true, when);
        if (base.length() != SIZE) {
            RebaseTest.check(base, true, when);
        }
        return failing.hasFailed();
    }

    @Test
    void nothingIsDroppedBeforeTheBackingFileIsStable() {
        List<MemoryStorage> layers = two(false, 4096);
        AtomicBoolean stable = new AtomicBoolean(true);
        AtomicBoolean emptied = new AtomicBoolean();
        StorageNode base =
                new WatchedStorage(
                        layers.get(1),
                        new WatchedStorage.Watcher() {
                            @Override
                            public void changing(long offset, long length) {
                                stable.set(false);
                            }

                            @Override
                            public void flushing() {
                                stable.set(true);
                            }
                        });
        StorageNode top =
                new WatchedStorage(
                        layers.get(0),
                        new WatchedStorage.Watcher() {
                            @Override
                            public void changing(long offset, long length) {
                                assertTrue(stable.get(), "the image changes too early");
                                emptied.set(true);
                            }
                        });
        try (BlockDevice device = MemoryChain.open(List.of(top, base))) {
            Commit.run(device, 1, 2, 0, new JobControl());
            assertFalse(emptied.get());
            Commit.makeEmpty(device);
        }
        assertTrue(emptied.get());
    }

    @Test
    void aCancelledJobLeavesTheDiskAsItWas() {
        List<MemoryStorage> layers = two(false, 65536);
        byte[] expected = content(layers);
        JobControl control =
                new JobControl() {
                    @Override
                    protected void progress(long done, long total) {
                        cancel();
                    }
                };
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            assertThrows(CancellationException.class, () -> Commit.run(device, 1, 2, 0, control));
        }
        assertArrayEquals(expected, content(layers));
        layers.forEach(layer -> RebaseTest.check(layer, false, "seed " + SEED));
    }

    @Test
    void progressEndsAtTheWholeLength() {
        List<MemoryStorage> layers = two(true, 65536);
        long[] last = new long[2];
        JobControl control =
                new JobControl() {
                    @Override
                    protected void progress(long done, long total) {
                        last[0] = done;
                        last[1] = total;
                    }
                };
        try (BlockDevice device = MemoryChain.open(kept(layers))) {
            Commit.run(device, 1, 2, 0, control);
        }
        assertEquals(SIZE, last[0]);
        assertEquals(SIZE, last[1]);
    }
}
