package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Image;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.MemoryChain;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.WatchedStorage;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class RebaseTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261125L);
    private static final Rebase.Target OTHER = new Rebase.Target("other", "qcow2");
    private static final Rebase.Target NONE = new Rebase.Target("", "");
    private static final int SIZE = 2_500_096;

    /** Options of a random kind, but with that size. */
    static Qcow2CreateOptions kind(Random random, int size) {
        Qcow2CreateOptions plain = Qcow2CreateOptions.ofSize(size);
        return switch (random.nextInt(7)) {
            case 0 -> plain.withClusterSize(512);
            case 1 -> plain.withClusterSize(4096);
            case 2 -> plain.withClusterSize(4096).withVersion(2);
            case 3 -> plain.withClusterSize(16384).withExtendedL2(true);
            case 4 -> plain.withClusterSize(65536).withExtendedL2(true);
            case 5 -> plain.withClusterSize(2 << 20);
            default -> plain;
        };
    }

    /** A base of a random format, with random content. */
    private static MemoryStorage base(Random random) {
        int size = 512 * (1 + random.nextInt(2 * SIZE / 512));
        if (random.nextBoolean()) {
            return new MemoryStorage("raw", TestBytes.patchy(random, size));
        }
        MemoryStorage storage = MemoryChain.create("base", kind(random, size));
        try (BlockDevice device = MemoryChain.open(List.of(keep(storage)))) {
            MemoryChain.scribble(device, random, 10);
        }
        return storage;
    }

    static StorageNode keep(StorageNode storage) {
        return new FailingStorage(storage, Long.MAX_VALUE - 1);
    }

    /** A disk that differs in a few places from what a chain has, or is another altogether. */
    private static MemoryStorage other(Random random, BlockDevice chain) {
        if (random.nextInt(3) == 0) {
            return base(random);
        }
        int size = 512 * (1 + random.nextInt(2 * SIZE / 512));
        byte[] bytes = TestBytes.read(chain, 0, (int) Math.min(size, chain.length()));
        MemoryStorage storage = MemoryChain.create("other", kind(random, size));
        try (BlockDevice device = MemoryChain.open(List.of(keep(storage)))) {
            device.write(0, MemorySegment.ofArray(bytes), Durability.CACHED);
            MemoryChain.scribble(device, random, random.nextInt(3));
        }
        return storage;
    }

    static void check(StorageNode storage, boolean leaksAllowed, String message) {
        try (BlockDevice device =
                MemoryChain.open(List.of(keep(storage), new MemoryStorage("", 0)))) {
            CheckReport report = device.image().checker().orElseThrow().check(CheckListener.NONE);
            assertEquals("", report.failure(), message);
            assertEquals(0, report.checkErrors() + report.corruptions(), message);
            assertTrue(leaksAllowed || report.leaks() == 0, message);
        }
    }

    private static byte[] content(List<? extends StorageNode> storages) {
        List<StorageNode> kept = storages.stream().map(RebaseTest::keep).toList();
        try (BlockDevice device = MemoryChain.open(kept)) {
            return TestBytes.read(device, 0, (int) device.length());
        }
    }

    private static String backing(Image image) {
        return image.info().backing().map(each -> each.name() + " " + each.format()).orElse("");
    }

    @RepeatedTest(60)
    void theDiskReadsTheSameOverAnyOtherBackingFile(RepetitionInfo info) {
        long seed = SEED + info.getCurrentRepetition();
        Random random = new Random(seed);
        Optional<MemoryStorage> base =
                random.nextInt(4) == 0 ? Optional.empty() : Optional.of(base(random));
        Qcow2CreateOptions options = kind(random, SIZE);
        if (base.isPresent()) {
            options = options.withBacking("old", "raw");
        }
        MemoryStorage overlay = MemoryChain.create("overlay", options);
        List<MemoryStorage> old = base.map(it -> List.of(overlay, it)).orElse(List.of(overlay));
        Optional<MemoryStorage> below;
        byte[] expected;
        try (BlockDevice device = MemoryChain.open(old.stream().map(RebaseTest::keep).toList())) {
            MemoryChain.scribble(device, random, random.nextInt(6));
            expected = TestBytes.read(device, 0, SIZE);
            below = random.nextInt(5) == 0 ? Optional.empty() : Optional.of(other(random, device));
            Optional<BlockDevice> chain =
                    below.map(storage -> MemoryChain.open(List.of(keep(storage))));
            Rebase.Target target = chain.isPresent() ? OTHER : NONE;
            Rebase.Options how =
                    new Rebase.Options(random.nextBoolean(), true, 1 + random.nextInt(4));
            Rebase.run(device, chain, target, how, new JobControl());
            assertEquals(chain.isPresent() ? "other qcow2" : "", backing(device.image()));
        }
        check(overlay, false, "seed " + seed);
        List<MemoryStorage> now = below.map(it -> List.of(overlay, it)).orElse(List.of(overlay));
        assertArrayEquals(expected, content(now), "seed " + seed);
    }

    /** An image over one over a third, with content in each. */
    private static List<MemoryStorage> three(Random random, int clusterSize) {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(clusterSize);
        MemoryStorage low = MemoryChain.create("low", options);
        MemoryStorage middle = MemoryChain.create("middle", options.withBacking("low", "qcow2"));
        MemoryStorage top = MemoryChain.create("top", options.withBacking("middle", "qcow2"));
        List<MemoryStorage> all = List.of(top, middle, low);
        for (int depth = 2; depth >= 0; depth--) {
            List<StorageNode> part = all.subList(depth, 3).stream().map(RebaseTest::keep).toList();
            try (BlockDevice device = MemoryChain.open(part)) {
                MemoryChain.scribble(device, random, 3);
            }
        }
        return all;
    }

    @Test
    void whatBothChainsReadFromOneFileIsNotRead() {
        List<MemoryStorage> all = three(new Random(SEED), 4096);
        byte[] expected = content(all);
        try (BlockDevice device = MemoryChain.open(all.stream().map(RebaseTest::keep).toList())) {
            BlockDevice low = MemoryChain.from(device, 2);
            Rebase.Target target = new Rebase.Target("low", "qcow2");
            long upper = bytes(device, 0) + bytes(device, 1);
            Rebase.run(device, Optional.of(low), target, Rebase.Options.DEFAULT, new JobControl());
            assertTrue(bytes(device, 0) <= upper, "more was copied than the layers above have");
        }
        assertArrayEquals(expected, content(List.of(all.get(0), all.get(2))));
        check(all.getFirst(), false, "seed " + SEED);
    }

    /** How many bytes a layer decides. */
    private static long bytes(BlockDevice device, int depth) {
        long[] sum = new long[1];
        device.extents(
                0,
                device.length(),
                extent -> {
                    sum[0] += extent.depth() == depth ? extent.length() : 0;
                    return true;
                });
        return sum[0];
    }

    @Test
    void anEmptyLayerBetweenCostsNothing() {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE);
        MemoryStorage low = new MemoryStorage("low", TestBytes.patchy(new Random(SEED), SIZE));
        MemoryStorage middle = MemoryChain.create("middle", options.withBacking("low", "raw"));
        MemoryStorage top = MemoryChain.create("top", options.withBacking("middle", "qcow2"));
        long before = top.length();
        AtomicBoolean mayRead = new AtomicBoolean(true);
        WatchedStorage.Watcher watcher =
                new WatchedStorage.Watcher() {
                    @Override
                    public void reading(long offset, long length) {
                        assertTrue(mayRead.get(), "read at " + offset);
                    }
                };
        StorageNode watched = new WatchedStorage(low, watcher);
        try (BlockDevice device = MemoryChain.open(List.of(keep(top), middle, watched))) {
            Rebase.Target target = new Rebase.Target("low", "raw");
            BlockDevice below = MemoryChain.from(device, 2);
            mayRead.set(false);
            Rebase.run(
                    device, Optional.of(below), target, Rebase.Options.DEFAULT, new JobControl());
        }
        assertEquals(before, top.length());
    }

    @Test
    void everyFailingChangeLeavesTheOldChainAndItsContent() {
        Random random = new Random(SEED);
        List<MemoryStorage> all = three(random, 4096);
        MemoryStorage other = new MemoryStorage("new", TestBytes.patchy(random, SIZE));
        byte[] expected = content(all);
        boolean failed = true;
        for (int changes = 0; failed; changes += 1 + changes / 16) {
            MemoryStorage top = MemoryChain.copy(all.getFirst());
            FailingStorage failing = new FailingStorage(top, changes);
            List<StorageNode> chain = List.of(failing, keep(all.get(1)), keep(all.get(2)));
            String when = "seed " + SEED + ", after " + changes + " changes";
            boolean done = isRebased(chain, other);
            failed = failing.hasFailed();
            check(top, true, when);
            List<MemoryStorage> old = List.of(top, all.get(1), all.get(2));
            assertArrayEquals(expected, content(done ? List.of(top, other) : old), when);
            try (BlockDevice device = MemoryChain.open(List.of(keep(top), keep(other)))) {
                String name = done ? "other qcow2" : "middle qcow2";
                assertEquals(name, backing(device.image()), when);
            }
        }
    }

    /** Rebases; false if that failed. Closing may fail after it. */
    private static boolean isRebased(List<StorageNode> chain, MemoryStorage other) {
        boolean done = false;
        try (BlockDevice device = MemoryChain.open(chain)) {
            BlockDevice below = MemoryChain.open(List.of(keep(other)));
            Rebase.run(device, Optional.of(below), OTHER, Rebase.Options.DEFAULT, new JobControl());
            done = true;
        } catch (BlockException.Media _) {
            return done;
        }
        return done;
    }

    @Test
    void theHeaderChangesOnlyWhenAllIsStable() {
        Random random = new Random(SEED);
        List<MemoryStorage> all = three(random, 4096);
        AtomicBoolean stable = new AtomicBoolean();
        AtomicBoolean named = new AtomicBoolean();
        WatchedStorage.Watcher watcher =
                new WatchedStorage.Watcher() {
                    @Override
                    public void changing(long offset, long length) {
                        if (offset == 0) { // Its own sectors are stable by themselves.
                            assertTrue(stable.get(), "the header was written too early");
                            named.set(true);
                        }
                        // That unused space at the end is cut off need not be stable.
                        stable.set((offset < 4096 || length == 0) && stable.get());
                    }

                    @Override
                    public void flushing() {
                        stable.set(true);
                    }
                };
        StorageNode top = new WatchedStorage(all.getFirst(), watcher);
        try (BlockDevice device = MemoryChain.open(List.of(top, all.get(1), all.get(2)))) {
            Rebase.run(device, Optional.empty(), NONE, Rebase.Options.DEFAULT, new JobControl());
        }
        assertTrue(named.get());
    }

    @Test
    void aCancelledJobLeavesTheOldChain() {
        List<MemoryStorage> all = three(new Random(SEED), 65536);
        byte[] expected = content(all);
        JobControl control =
                new JobControl() {
                    @Override
                    protected void progress(long done, long total) {
                        cancel();
                    }
                };
        try (BlockDevice device = MemoryChain.open(all.stream().map(RebaseTest::keep).toList())) {
            assertThrows(
                    CancellationException.class,
                    () ->
                            Rebase.run(
                                    device,
                                    Optional.empty(),
                                    NONE,
                                    Rebase.Options.DEFAULT,
                                    control));
            assertEquals("middle qcow2", backing(device.image()));
        }
        assertArrayEquals(expected, content(all));
        check(all.getFirst(), false, "seed " + SEED);
    }

    @Test
    void aNameThatDoesNotFitChangesNothing() {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(512);
        MemoryStorage storage = MemoryChain.create("image", options);
        byte[] before = TestBytes.read(storage, 0, (int) storage.length());
        MemoryStorage other = new MemoryStorage("new", TestBytes.patchy(new Random(SEED), SIZE));
        for (int length : new int[] {400, 1024}) {
            Rebase.Target target = new Rebase.Target("x".repeat(length), "raw");
            try (BlockDevice device = MemoryChain.open(List.of(keep(storage)))) {
                Optional<BlockDevice> below = Optional.of(MemoryChain.open(List.of(keep(other))));
                assertThrows(
                        BlockException.Unsupported.class,
                        () -> Rebase.unsafe(device.image(), target));
                assertThrows(
                        BlockException.Unsupported.class,
                        () ->
                                Rebase.run(
                                        device,
                                        below,
                                        target,
                                        Rebase.Options.DEFAULT,
                                        new JobControl()));
            }
            assertArrayEquals(before, TestBytes.read(storage, 0, (int) storage.length()));
        }
    }

    @Test
    void theUnsafeWayWritesTheHeaderOnly() {
        MemoryStorage storage = MemoryChain.create("image", Qcow2CreateOptions.ofSize(SIZE));
        byte[] before = TestBytes.read(storage, 0, (int) storage.length());
        try (BlockDevice device = MemoryChain.open(List.of(keep(storage)))) {
            Rebase.unsafe(device.image(), OTHER);
        }
        byte[] after = TestBytes.read(storage, 0, (int) storage.length());
        int different = Arrays.mismatch(before, after);
        assertTrue(different > 0 && different < 65536);
        int behind =
                Arrays.mismatch(
                        Arrays.copyOfRange(before, 65536, before.length),
                        Arrays.copyOfRange(after, 65536, after.length));
        assertEquals(-1, behind);
        assertFalse(Arrays.equals(before, after));
    }

    @Test
    void aRawImageCanHaveNoBackingFile() {
        MemoryStorage raw = new MemoryStorage("raw", 512);
        try (BlockDevice device = MemoryChain.open(List.of(raw))) {
            assertThrows(
                    BlockException.Unsupported.class, () -> Rebase.unsafe(device.image(), OTHER));
        }
    }
}
