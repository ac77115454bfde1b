package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Internal snapshots: what the disk and every snapshot shows, and that the image stays sound. */
class Qcow2SnapshotsTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261125L);
    private static final int SIZE = 1_000_448;
    private static final Instant TAKEN = Instant.ofEpochSecond(1_700_000_000, 123_456_789);

    static List<Kind> kinds() {
        return Kinds.of(SIZE);
    }

    private static SnapshotInfo wish(String name) {
        return new SnapshotInfo("", name, TAKEN, 77, 0, 0, OptionalLong.of(0));
    }

    private static Snapshots snapshots(Image image) {
        return image.snapshots().orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void diskAndSnapshotsKeepTheirContent(Kind kind) {
        Random random = new Random(SEED);
        MemoryStorage storage = kind.create();
        byte[] disk = kind.content();
        Map<String, byte[]> saved = new LinkedHashMap<>();
        for (int round = 0; round < 4; round++) {
            try (Image image = kind.open(storage)) {
                for (int step = 0; step < 10; step++) {
                    disk = step(image, disk, saved, random);
                }
                assertArrayEquals(disk, TestBytes.read(image, 0, SIZE), "seed " + SEED);
            }
            assertEquals(List.of(), Kinds.findings(storage), "seed " + SEED);
            assertSaved(kind, storage, disk, saved);
        }
    }

    private static byte[] step(Image image, byte[] disk, Map<String, byte[]> saved, Random random) {
        List<String> ids = new ArrayList<>(saved.keySet());
        String any = ids.isEmpty() ? "" : ids.get(random.nextInt(ids.size()));
        switch (random.nextInt(8)) {
            case 0, 1 -> {
                SnapshotInfo made = snapshots(image).create(wish("s" + random.nextInt(3)));
                saved.put(made.id(), disk.clone());
            }
            case 2 -> {
                if (!any.isEmpty()) {
                    snapshots(image).delete(any);
                    saved.remove(any);
                }
            }
            case 3 -> {
                if (!any.isEmpty()) {
                    snapshots(image).apply(any);
                    return Objects.requireNonNull(saved.get(any)).clone();
                }
            }
            case 4 -> {
                int from = random.nextInt(SIZE);
                int length = random.nextInt(SIZE - from);
                image.zero(from, length, ZeroMode.UNMAP, Durability.CACHED);
                Arrays.fill(disk, from, from + length, (byte) 0);
            }
            default -> Kinds.write(image, disk, random);
        }
        return disk;
    }

    private static void assertSaved(
            Kind kind, StorageNode storage, byte[] disk, Map<String, byte[]> saved) {
        try (Image image = kind.open(storage)) {
            assertArrayEquals(disk, TestBytes.read(image, 0, SIZE), "reopened, seed " + SEED);
            List<String> ids = snapshots(image).list().stream().map(SnapshotInfo::id).toList();
            assertEquals(List.copyOf(saved.keySet()), ids);
        }
        saved.forEach(
                (id, content) -> {
                    try (Image image = kind.open(storage, id)) {
                        byte[] now = TestBytes.read(image, 0, SIZE);
                        assertArrayEquals(content, now, "snapshot " + id + ", seed " + SEED);
                    }
                });
    }

    @Test
    void aSnapshotHasWhatWasWished() {
        Kind kind = kinds().getFirst();
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            SnapshotInfo made = snapshots(image).create(wish("größer"));
            assertEquals(
                    new SnapshotInfo("1", "größer", TAKEN, 77, 0, SIZE, OptionalLong.of(0)), made);
            assertEquals("2", snapshots(image).create(wish("größer")).id());
        }
        try (Image image = kind.open(storage)) {
            assertEquals(2, snapshots(image).list().size());
            assertEquals(TAKEN, snapshots(image).list().getFirst().taken());
            snapshots(image).delete("1");
            assertEquals("3", snapshots(image).create(wish("")).id());
            assertThrows(BlockException.Media.class, () -> snapshots(image).delete("größer"));
            assertThrows(BlockException.Media.class, () -> snapshots(image).apply("none"));
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void countsThatWouldOverflowAreRefusedAndTakenBack() {
        Qcow2CreateOptions options =
                Qcow2CreateOptions.ofSize(SIZE).withClusterSize(4096).withRefcountBits(1);
        Kind kind = new Kind("bits1", options, 0);
        MemoryStorage storage = kind.create();
        byte[] disk = kind.content();
        try (Image image = kind.open(storage)) {
            snapshots(image).create(wish("of nothing"));
            Kinds.write(image, disk, new Random(SEED));
            assertThrows(
                    BlockException.Media.class, () -> snapshots(image).create(wish("too many")));
            Kinds.write(image, disk, new Random(SEED + 1));
            assertArrayEquals(disk, TestBytes.read(image, 0, SIZE));
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void unknownExtraDataIsKept() {
        Kind kind = kinds().getFirst();
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            snapshots(image).create(wish("first"));
        }
        Header header = HeaderCodec.read(storage);
        SnapshotTable.Snapshot first = SnapshotTable.read(storage, header).snapshots().getFirst();
        byte[] extra = Arrays.copyOf(first.extra(), 40);
        extra[39] = 9;
        var longer =
                new SnapshotTable.Snapshot(
                        first.info(),
                        first.l1Offset(),
                        first.l1Entries(),
                        extra,
                        first.id(),
                        first.name());
        byte[] table = SnapshotTable.encode("image", List.of(longer));
        storage.write(header.snapshotsOffset(), MemorySegment.ofArray(table), Durability.CACHED);
        try (Image image = kind.open(storage)) {
            snapshots(image).create(wish("second"));
        }
        SnapshotTable after = SnapshotTable.read(storage, HeaderCodec.read(storage));
        assertArrayEquals(extra, after.snapshots().getFirst().extra());
        assertEquals(24, after.snapshots().getLast().extra().length);
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void namesThatAreNotUtf8StayAsTheyAre() {
        Kind kind = kinds().getFirst();
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            snapshots(image).create(wish("groesser"));
        }
        long name = HeaderCodec.read(storage).snapshotsOffset() + 40 + 24 + 1;
        byte[] latin = "gr\u00f6\u00dfer  ".getBytes(StandardCharsets.ISO_8859_1);
        storage.write(name, MemorySegment.ofArray(latin), Durability.CACHED);
        try (Image image = kind.open(storage)) {
            snapshots(image).create(wish("second"));
        }
        name = HeaderCodec.read(storage).snapshotsOffset() + 40 + 24 + 1;
        assertArrayEquals(latin, TestBytes.read(storage, name, latin.length));
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void aNameThatNoTableHasRoomForIsRefused() {
        Kind kind = kinds().getFirst();
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            String tooLong = "x".repeat(65_536);
            assertThrows(
                    BlockException.Unsupported.class, () -> snapshots(image).create(wish(tooLong)));
            String name = tooLong.substring(1);
            snapshots(image).create(wish(name));
            assertEquals(name, snapshots(image).list().getFirst().name());
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void requestsOfOtherThreadsGoOnAroundSnapshots() throws InterruptedException {
        Kind kind = kinds().get(2);
        MemoryStorage storage = kind.create();
        byte[] disk = kind.content();
        int part = SIZE / 4;
        List<String> ids = new ArrayList<>();
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        try (Image image = kind.open(storage)) {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int from = i * part;
                Random random = new Random(SEED + i);
                threads.add(
                        Thread.ofPlatform()
                                .uncaughtExceptionHandler(
                                        (thread, failure) -> failures.add(failure))
                                .start(() -> scribble(image, disk, from, part, random)));
            }
            for (int i = 0; i < 20; i++) {
                ids.add(snapshots(image).create(wish("s")).id());
                if (ids.size() > 3) {
                    snapshots(image).delete(ids.removeFirst());
                }
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(), failures);
            assertArrayEquals(disk, TestBytes.read(image, 0, SIZE), "seed " + SEED);
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    private static void scribble(Image image, byte[] disk, int from, int size, Random random) {
        for (int i = 0; i < 200; i++) {
            int offset = from + random.nextInt(size);
            byte[] bytes = TestBytes.patchy(random, random.nextInt(from + size - offset) >>> 3);
            image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
            System.arraycopy(bytes, 0, disk, offset, bytes.length);
            assertArrayEquals(bytes, TestBytes.read(image, offset, bytes.length));
        }
    }

    /** One operation on an image that has two snapshots. */
    private enum Operation {
        CREATE {
            @Override
            void run(Image image) {
                snapshots(image).create(wish("third"));
            }
        },
        APPLY {
            @Override
            void run(Image image) {
                snapshots(image).apply("1");
            }
        },
        DELETE {
            @Override
            void run(Image image) {
                snapshots(image).delete("2");
            }
        };

        abstract void run(Image image);
    }

    static List<Kind> faultKinds() {
        return kinds().stream()
                .filter(kind -> kind.name().matches("(64k|4k|v2|lazy|bits4|extended) on 0"))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("faultKinds")
    void whateverFailsNothingIsLost(Kind kind) {
        Random random = new Random(SEED);
        MemoryStorage before = kind.create();
        byte[] disk = kind.content();
        Map<String, byte[]> saved = new LinkedHashMap<>();
        try (Image image = kind.open(before)) {
            for (String id : List.of("1", "2")) {
                Kinds.write(image, disk, random);
                snapshots(image).create(wish("s" + id));
                saved.put(id, disk.clone());
            }
            Kinds.write(image, disk, random);
        }
        for (Operation operation : Operation.values()) {
            boolean failed = true;
            for (int changes = 0; failed; changes++) {
                MemoryStorage storage = Kinds.copy(before);
                FailingStorage failing = new FailingStorage(storage, changes);
                Image image = kind.open(failing);
                try {
                    operation.run(image);
                } catch (BlockException expected) {
                    assertTrue(failing.hasFailed(), expected::toString);
                }
                failed = failing.hasFailed();
                assertWhole(kind, storage, disk, saved, operation + " after " + changes);
            }
        }
    }

    /** Of an image that has failed, too, nobody is told of a snapshot that is not there. */
    @ParameterizedTest
    @MethodSource("faultKinds")
    void afterAFailureTheListIsThatOfTheFile(Kind kind) {
        MemoryStorage before = kind.create();
        try (Image image = kind.open(before)) {
            snapshots(image).create(wish("s1"));
            snapshots(image).create(wish("s2"));
        }
        for (Operation operation : Operation.values()) {
            boolean failed = true;
            for (int n = 1; failed; n++) {
                MemoryStorage storage = Kinds.copy(before);
                FaultPlan plan = FaultPlan.once(Call.changes(), Fault.EIO, n);
                Image image = kind.open(new FailingStorage(storage, plan));
                fails(operation, image);
                Header header = HeaderCodec.read(storage);
                List<SnapshotInfo> there = SnapshotTable.read(storage, header).infos();
                assertEquals(there, snapshots(image).list(), operation + ", " + plan);
                assertEquals(there, image.info().snapshots(), operation + ", " + plan);
                closeWhateverItSays(image);
                failed = plan.hasFailed();
            }
        }
    }

    private static void closeWhateverItSays(Image image) {
        try {
            image.close();
        } catch (BlockException.Media _) {
            // It has failed.
        }
    }

    /** Fails as planned, but for the header, and nothing any more once that is switched. */
    private static final class UntilSwitched extends FailingStorage {
        private final StorageNode real;
        private boolean switched;

        UntilSwitched(StorageNode real, FaultPlan plan) {
            super(real, plan);
            this.real = real;
        }

        @Override
        public void read(long offset, MemorySegment target) {
            if (switched) {
                real.read(offset, target);
            } else {
                super.read(offset, target);
            }
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            boolean header = offset < Geometry.SECTOR;
            switched |= header && source.byteSize() > Long.BYTES;
            if (header || switched) {
                real.write(offset, source, durability);
            } else {
                super.write(offset, source, durability);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("faultKinds")
    void whatFailsBeforeTheHeaderIsSwitchedIsUndone(Kind kind) {
        MemoryStorage before = kind.create();
        byte[] disk = kind.content();
        try (Image image = kind.open(before)) {
            for (int i = 0; i < 2; i++) {
                Kinds.write(image, disk, new Random(SEED + i));
                snapshots(image).create(wish("s"));
            }
            Kinds.write(image, disk, new Random(SEED + 2));
        }
        int undone = 0;
        for (Operation operation : Operation.values()) {
            boolean failed = true;
            for (int n = 1; failed; n++) {
                MemoryStorage storage = Kinds.copy(before);
                FaultPlan plan =
                        FaultPlan.once(EnumSet.of(Call.READ, Call.WRITE, Call.ZERO), Fault.EIO, n);
                UntilSwitched failing = new UntilSwitched(storage, plan);
                String when = operation + ", " + plan;
                try (Image image = kind.open(failing)) {
                    if (fails(operation, image)) {
                        assertTrue(plan.hasFailed(), when);
                        assertEquals(2, snapshots(image).list().size(), when);
                        assertArrayEquals(disk, TestBytes.read(image, 0, SIZE), when);
                        operation.run(image);
                        undone++;
                    }
                    byte[] more = TestBytes.read(image, 0, SIZE);
                    Kinds.write(image, more, new Random(n));
                    assertArrayEquals(more, TestBytes.read(image, 0, SIZE), when);
                } catch (BlockException unopened) {
                    assertTrue(plan.hasFailed(), when + unopened);
                }
                failed = plan.hasFailed();
                assertEquals(List.of(), Kinds.findings(storage), when);
            }
        }
        assertTrue(undone > 20, "few failures");
    }

    private static boolean fails(Operation operation, Image image) {
        try {
            operation.run(image);
            return false;
        } catch (BlockException expected) {
            return true;
        }
    }

    private static void assertWhole(
            Kind kind, StorageNode storage, byte[] disk, Map<String, byte[]> saved, String when) {
        Header header = HeaderCodec.read(storage);
        if (header.has(Header.DIRTY) || kind.options().version() < 3) {
            // Flags may contradict counts, which nothing but the dirty bit can say.
            for (String each : Kinds.damage(storage)) {
                assertTrue(each.contains("OFLAG_COPIED"), when + ": " + each);
            }
        } else {
            assertEquals(List.of(), Kinds.damage(storage), when);
        }
        try (Image image = kind.open(new KeepOpen(storage, false))) {
            byte[] now = TestBytes.read(image, 0, SIZE);
            boolean asSaved = Arrays.equals(saved.get("1"), now);
            if (!when.startsWith("APPLY") || !asSaved) {
                assertArrayEquals(disk, now, when);
            }
        }
        List<String> ids =
                SnapshotTable.read(storage, header).infos().stream().map(SnapshotInfo::id).toList();
        saved.forEach(
                (id, content) -> {
                    if (ids.contains(id)) {
                        try (Image image = kind.open(storage, id)) {
                            assertArrayEquals(content, TestBytes.read(image, 0, SIZE), when);
                        }
                    } else {
                        assertEquals("2", id, when);
                    }
                });
    }
}
