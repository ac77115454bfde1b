package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.testkit.FullDisk;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A full disk fails the request that needed space, and nothing else: once there is space the same
 * request succeeds, as a virtual machine that was paused and resumed would have it.
 */
class FullDiskTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int SIZE = 1_000_448;
    private static final int ENOSPC = 28;
    private static final int TRIES = 10_000;

    static List<Kind> kinds() {
        Qcow2CreateOptions plain = Qcow2CreateOptions.ofSize(SIZE);
        List<Kind> more =
                List.of(
                        // The refcount table moves again and again.
                        new Kind(
                                "512, bits64, 20 MiB",
                                Qcow2CreateOptions.ofSize(20 << 20)
                                        .withClusterSize(512)
                                        .withRefcountBits(64),
                                0),
                        new Kind("bits1", plain.withClusterSize(4096).withRefcountBits(1), 0));
        return Stream.concat(Kinds.of(SIZE).stream(), more.stream()).toList();
    }

    /** Runs a request until there is space for it; others make space. */
    private static void insist(Runnable request, Runnable makeSpace) {
        for (int i = 1; true; i++) {
            try {
                request.run();
                return;
            } catch (BlockException.Media full) {
                if (full.errno() != ENOSPC || i == TRIES) {
                    throw full;
                }
                makeSpace.run();
            }
        }
    }

    /** A random request; its twin does the same to an array. */
    private record Step(Runnable request, Runnable twin) {
        static Step random(Image image, byte[] disk, Random random) {
            int from = random.nextInt(disk.length);
            int length = random.nextInt(disk.length - from) >>> random.nextInt(10);
            return switch (random.nextInt(8)) {
                case 0 -> new Step(image::flush, () -> {});
                case 1 ->
                        new Step(
                                () -> image.zero(from, length, ZeroMode.UNMAP, Durability.STABLE),
                                () -> Arrays.fill(disk, from, from + length, (byte) 0));
                default -> {
                    byte[] bytes = TestBytes.patchy(random, length);
                    Durability how = random.nextInt(4) == 0 ? Durability.STABLE : Durability.CACHED;
                    yield new Step(
                            () -> image.write(from, MemorySegment.ofArray(bytes), how),
                            () -> System.arraycopy(bytes, 0, disk, from, length));
                }
            };
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void withSpaceAgainTheImageGoesOn(Kind kind) {
        Random random = new Random(SEED);
        MemoryStorage storage = kind.create();
        FullDisk full = new FullDisk(storage);
        Runnable makeSpace = () -> full.grow(1 + random.nextInt(64 << 10));
        byte[] disk = kind.content();
        try (Image image = kind.open(full)) {
            for (int i = 0; i < 60; i++) {
                Step step = Step.random(image, disk, random);
                insist(step.request(), makeSpace);
                step.twin().run();
            }
            insist(image::flush, makeSpace);
            assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), "seed " + SEED);
        }
        assertTrue(full.refusals() > 10);
        assertSound(kind, storage, disk);
    }

    /** What was written stays visible, whatever finds the disk full after that. */
    @ParameterizedTest
    @MethodSource("smallKinds")
    void nothingIsForgottenForWantOfSpace(Kind kind) {
        Random random = new Random(SEED);
        for (int n = 1; n < 60; n += 2) {
            MemoryStorage storage = kind.create();
            byte[] disk = kind.content();
            AtomicBoolean isFull = new AtomicBoolean();
            int last = n;
            StorageNode full =
                    new StorageWrapper(storage) {
                        private int left = last;

                        @Override
                        public void write(long offset, MemorySegment source, Durability how) {
                            if (isFull.get() && left-- <= 0 && offset >= Geometry.SECTOR) {
                                throw new BlockException.Media(
                                        name(), "write", offset, "full", ENOSPC, null);
                            }
                            super.write(offset, source, how);
                        }
                    };
            try (Image image = kind.open(full)) {
                Kinds.write(image, disk, random);
                isFull.set(true);
                mayFindItFull(() -> image.snapshots().orElseThrow().create(wish()));
                mayFindItFull(() -> image.checker().orElseThrow().check(CheckListener.NONE));
                mayFindItFull(
                        () -> image.resizing().orElseThrow().resize(SIZE + 512, Preallocation.OFF));
                mayFindItFull(image::flush);
                byte[] now = TestBytes.read(image, 0, SIZE);
                assertArrayEquals(disk, now, "seed " + SEED + ", after " + n);
                isFull.set(false);
                mayFindItFull(image::flush);
                now = TestBytes.read(image, 0, SIZE);
                assertArrayEquals(disk, now, "seed " + SEED + ", after " + n);
            } catch (BlockException failed) { // Closing: after the header's switch all may end.
                assertTrue(failed.getMessage().contains("full"), failed::toString);
            }
            if (!HeaderCodec.read(storage).has(Header.DIRTY) && kind.options().version() > 2) {
                assertEquals(List.of(), Kinds.damage(storage), "seed " + SEED + ", after " + n);
            }
        }
    }

    private static void mayFindItFull(Runnable request) {
        try {
            request.run();
        } catch (BlockException _) {
            // What matters is what the disk shows then.
        }
    }

    static List<Kind> smallKinds() {
        return kinds().stream().filter(kind -> !kind.name().matches("(2M|.*MiB).*")).toList();
    }

    /** Fails as planned, but for the header's few bytes. */
    private static StorageNode failing(StorageNode storage, FaultPlan plan) {
        return new FailingStorage(storage, plan) {
            @Override
            public void write(long offset, MemorySegment source, Durability durability) {
                if (offset < Geometry.SECTOR) {
                    storage.write(offset, source, durability);
                } else {
                    super.write(offset, source, durability);
                }
            }
        };
    }

    /** Not even space that was there is always enough: file systems have needs of their own. */
    @ParameterizedTest
    @MethodSource("smallKinds")
    void whicheverCallFindsItFullTheImageGoesOn(Kind kind) {
        EnumSet<Call> calls = EnumSet.of(Call.WRITE, Call.ZERO, Call.RESIZE);
        boolean failed = true;
        for (int n = 1; failed; n += 3) {
            Random random = new Random(SEED);
            MemoryStorage storage = kind.create();
            FaultPlan plan = FaultPlan.once(calls, Fault.SHORT, n);
            byte[] disk = kind.content();
            try (Image image = kind.open(failing(storage, plan))) {
                for (int i = 0; i < 15; i++) {
                    Step next = Step.random(image, disk, random);
                    insist(next.request(), () -> {});
                    next.twin().run();
                }
                insist(image::flush, () -> {});
                assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), plan.toString());
            } catch (BlockException.Media full) {
                assertEquals(ENOSPC, full.errno(), plan.toString()); // Closing found it full.
            }
            failed = plan.hasFailed();
            assertSound(kind, storage, disk);
        }
    }

    private static void assertSound(Kind kind, StorageNode storage, byte[] disk) {
        if (!HeaderCodec.read(storage).has(Header.DIRTY)) {
            assertEquals(List.of(), Kinds.damage(storage));
        }
        try (Image image = kind.open(storage)) {
            assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), "opened again");
        }
    }

    /** Telling the file system what is not needed is a kindness, not a duty. */
    @ParameterizedTest
    @MethodSource("smallKinds")
    void aDiscardMayFail(Kind kind) {
        Random random = new Random(SEED);
        MemoryStorage storage = kind.create();
        FaultPlan plan = FaultPlan.from(EnumSet.of(Call.DISCARD), Fault.EIO, 1);
        byte[] disk = kind.content();
        try (Image image = kind.open(new FailingStorage(storage, plan))) {
            for (int i = 0; i < 40; i++) {
                Step step = Step.random(image, disk, random);
                step.request().run();
                step.twin().run();
            }
            image.flush();
            assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), "seed " + SEED);
            image.emptying().orElseThrow().makeEmpty();
            disk = kind.content();
            assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), "empty");
        }
        assertSound(kind, storage, disk);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void snapshotsThatFindItFullAreNotThere(Kind kind) {
        if (kind.options().refcountBits() == 1) {
            return; // It can have none.
        }
        Random random = new Random(SEED);
        MemoryStorage storage = kind.create();
        FullDisk full = new FullDisk(storage);
        byte[] disk = kind.content();
        List<byte[]> saved = new ArrayList<>();
        Runnable makeSpace = () -> full.grow(4096 + kind.options().clusterSize() / 8);
        try (Image image = kind.open(full)) {
            for (int i = 0; i < 5; i++) {
                Step step = Step.random(image, disk, random);
                insist(step.request(), makeSpace);
                step.twin().run();
                int before = image.snapshots().orElseThrow().list().size();
                insist(
                        () -> image.snapshots().orElseThrow().create(wish()),
                        () -> {
                            assertEquals(before, image.snapshots().orElseThrow().list().size());
                            makeSpace.run();
                        });
                saved.add(disk.clone());
            }
            insist(() -> image.snapshots().orElseThrow().apply("2"), makeSpace);
            insist(() -> image.snapshots().orElseThrow().delete("3"), makeSpace);
        }
        assertEquals(List.of(), Kinds.findings(storage));
        assertSound(kind, storage, saved.get(1));
    }

    private static SnapshotInfo wish() {
        return new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
    }

    /** A file that cannot become longer than so many bytes, as one on a block device. */
    private static final class Device extends StorageWrapper {
        private long capacity;

        Device(StorageNode real, long capacity) {
            super(real);
            this.capacity = capacity;
        }

        @Override
        public void resize(long newLength) {
            if (newLength > capacity) {
                throw new BlockException.Media(name(), "resize", newLength, "full", ENOSPC, null);
            }
            super.resize(newLength);
        }
    }

    @ParameterizedTest
    @MethodSource("smallKinds")
    void theLastClusterOfADeviceIsUsed(Kind kind) {
        long clusterSize = kind.options().clusterSize();
        MemoryStorage storage = kind.create();
        Device device = new Device(storage, storage.length() + 9 * clusterSize);
        byte[] bytes = TestBytes.patchy(new Random(SEED), (int) clusterSize);
        byte[] disk = kind.content();
        try (Image image = kind.open(device)) {
            int[] at = {0};
            Runnable extend =
                    () -> {
                        assertTrue(at[0] >= 4 * clusterSize, "room for tables and four more");
                        device.capacity += 5 * clusterSize;
                    };
            for (; at[0] < 12 * clusterSize; at[0] += bytes.length) {
                insist(
                        () -> image.write(at[0], MemorySegment.ofArray(bytes), Durability.STABLE),
                        extend);
                System.arraycopy(bytes, 0, disk, at[0], bytes.length);
            }
        }
        assertEquals(List.of(), Kinds.findings(storage));
        assertSound(kind, storage, disk);
    }
}
