package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random requests to images of many kinds, against an array of bytes; the image stays sound. */
class Qcow2WriteTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final int SIZE = 3_000_320;
    private static final int REQUESTS = 150;

    /** A kind of image. */
    private record Kind(String name, Qcow2CreateOptions options, int backing) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Kind> kinds() {
        Qcow2CreateOptions plain = Qcow2CreateOptions.ofSize(SIZE);
        Qcow2CreateOptions small = plain.withClusterSize(4096);
        List<Kind> kinds = new ArrayList<>();
        for (int backing : new int[] {0, 1_000_448, 4_000_256}) {
            String on = " on " + backing;
            kinds.add(new Kind("plain" + on, plain, backing));
            kinds.add(new Kind("512" + on, plain.withClusterSize(512), backing));
            kinds.add(new Kind("4k" + on, small, backing));
            kinds.add(new Kind("2M" + on, plain.withClusterSize(2 << 20), backing));
            kinds.add(new Kind("v2" + on, small.withVersion(2), backing));
            kinds.add(new Kind("lazy" + on, small.withLazyRefcounts(true), backing));
            kinds.add(new Kind("bits1" + on, small.withRefcountBits(1), backing));
            kinds.add(new Kind("bits64" + on, small.withRefcountBits(64), backing));
            Qcow2CreateOptions extended = plain.withClusterSize(16384).withExtendedL2(true);
            kinds.add(new Kind("extended" + on, extended, backing));
            kinds.add(new Kind("extended 64k" + on, plain.withExtendedL2(true), backing));
        }
        return kinds;
    }

    private static byte[] base(Kind kind) {
        return TestBytes.patchy(new Random(SEED), kind.backing());
    }

    private record Base(byte[] content) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return new MemoryStorage(reference.name(), content);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }
    }

    private static Image open(StorageNode storage, Kind kind) {
        return Qcow2Format.INSTANCE.open(storage, FormatOptions.DEFAULT, new Base(base(kind)));
    }

    /** Storage that outlives the image. */
    private static MemoryStorage copy(MemoryStorage storage) {
        return new MemoryStorage("copy", TestBytes.read(storage, 0, (int) storage.length()));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void everyRequestDoesWhatItWouldToAnArray(Kind kind) {
        Random random = new Random(SEED);
        MemoryStorage storage = new MemoryStorage("image", 0);
        Qcow2CreateOptions options = kind.options();
        if (kind.backing() > 0) {
            options = options.withBacking("base", "raw");
        }
        ImageCreator.create(storage, Optional.empty(), options);
        byte[] base = base(kind);
        byte[] model = Arrays.copyOf(base, SIZE);
        for (int round = 0; round < 3; round++) {
            MemoryStorage next = copy(storage);
            KeepOpen kept = new KeepOpen(next, true);
            try (Image image = open(kept, kind)) {
                for (int i = 0; i < REQUESTS; i++) {
                    String at = "seed " + SEED + " round " + round + " request " + i;
                    request(image, model, random, at);
                }
                assertArrayEquals(model, TestBytes.read(image, 0, SIZE), "seed " + SEED);
            }
            storage = next;
            check(storage);
        }
        try (Image image = open(new KeepOpen(storage, true), kind)) {
            assertArrayEquals(model, TestBytes.read(image, 0, SIZE), "reopened");
        }
    }

    @Test
    void anImageThatWasNotClosedIsRepairedBeforeItsFirstChange() {
        Kind kind = new Kind("lazy", Qcow2CreateOptions.ofSize(SIZE).withLazyRefcounts(true), 0);
        MemoryStorage left = new MemoryStorage("image", 0);
        ImageCreator.create(left, Optional.empty(), kind.options());
        byte[] bytes = TestBytes.patchy(new Random(SEED), SIZE);
        MemoryStorage crashed;
        try (Image image = open(new KeepOpen(left, true), kind)) {
            image.write(0, MemorySegment.ofArray(bytes), Durability.STABLE);
            crashed = copy(left);
        }
        assertTrue(HeaderCodec.read(crashed).has(Header.DIRTY));
        byte[] before = TestBytes.read(crashed, 0, (int) crashed.length());
        try (Image image = open(new KeepOpen(crashed, true), kind)) {
            assertArrayEquals(bytes, TestBytes.read(image, 0, SIZE));
            assertArrayEquals(before, TestBytes.read(crashed, 0, before.length), "only opened");
            image.write(SIZE - 512, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
        }
        Arrays.fill(bytes, SIZE - 512, SIZE, (byte) 0);
        assertFalse(HeaderCodec.read(crashed).has(Header.DIRTY));
        check(crashed);
        try (Image image = open(new KeepOpen(crashed, true), kind)) {
            assertArrayEquals(bytes, TestBytes.read(image, 0, SIZE));
        }
    }

    @Test
    void whatIsFreedIsUsedAgain() {
        Kind kind = new Kind("4k", Qcow2CreateOptions.ofSize(SIZE).withClusterSize(4096), 0);
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), kind.options());
        long most = 0;
        try (Image image = open(new KeepOpen(storage, true), kind)) {
            for (int i = 0; i < 8; i++) {
                byte[] bytes = TestBytes.patchy(new Random(SEED + i), 1 << 20);
                image.write(1 << 20, MemorySegment.ofArray(bytes), Durability.STABLE);
                most = i == 0 ? storage.length() : most;
                image.discard(1 << 20, 1 << 20);
                image.flush();
            }
            assertTrue(storage.length() <= most, storage.length() + ", at first " + most);
        }
        check(storage);
    }

    /**
     * A crash while the file grew, or somebody else, left more than the refcount table can tell.
     */
    @Test
    void aFileLongerThanItsCountsReachTakesWrites() {
        Qcow2CreateOptions options =
                Qcow2CreateOptions.ofSize(SIZE).withClusterSize(512).withRefcountBits(64);
        Kind kind = new Kind("512", options, 0);
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), options);
        storage.resize(3 << 20); // The table counts 2 MiB.
        byte[] bytes = TestBytes.patchy(new Random(SEED), SIZE);
        try (Image image = open(new KeepOpen(storage, true), kind)) {
            image.write(0, MemorySegment.ofArray(bytes), Durability.CACHED);
            image.flush();
            assertArrayEquals(bytes, TestBytes.read(image, 0, SIZE));
        }
        check(storage);
    }

    @Test
    void closingGivesSpareRoomBack() {
        Kind kind = new Kind("4k", Qcow2CreateOptions.ofSize(SIZE).withClusterSize(4096), 0);
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), kind.options());
        long before = storage.length();
        try (Image image = open(new KeepOpen(storage, true), kind)) {
            image.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.STABLE);
            assertTrue(storage.length() > before + (1 << 19), "steps");
        }
        long used = (before + 4095) / 4096 * 4096;
        assertEquals(used + 2 * 4096, storage.length(), "a table and a cluster");
        check(storage);
    }

    private static void request(Image image, byte[] model, Random random, String message) {
        int offset = random.nextInt(SIZE);
        int length = random.nextInt(SIZE - offset + 1) >>> random.nextInt(16);
        Durability durability = random.nextInt(20) == 0 ? Durability.STABLE : Durability.CACHED;
        switch (random.nextInt(6)) {
            case 0 -> {
                ZeroMode mode = random.nextBoolean() ? ZeroMode.KEEP : ZeroMode.UNMAP;
                image.zero(offset, length, mode, durability);
                Arrays.fill(model, offset, offset + length, (byte) 0);
            }
            case 1 -> {
                image.discard(offset, length);
                byte[] now = TestBytes.read(image, offset, length);
                for (int i = 0; i < length; i++) {
                    if (now[i] != model[offset + i] && now[i] != 0) {
                        throw new AssertionError(message + ": discard shows " + (offset + i));
                    }
                }
                System.arraycopy(now, 0, model, offset, length);
            }
            case 2 -> image.flush();
            default -> {
                byte[] bytes = TestBytes.patchy(random, length);
                image.write(offset, MemorySegment.ofArray(bytes), durability);
                System.arraycopy(bytes, 0, model, offset, length);
            }
        }
        if (random.nextInt(10) == 0) {
            assertArrayEquals(model, TestBytes.read(image, 0, SIZE), message);
        }
    }

    private static void check(MemoryStorage storage) {
        List<String> findings = new ArrayList<>();
        CheckListener listener =
                new CheckListener() {
                    @Override
                    public void found(CheckFinding finding) {
                        findings.add(finding.text());
                    }
                };
        Header header = HeaderCodec.readForCheck(storage);
        CheckReport report = new ConsistencyCheck(storage, header).check(listener);
        assertEquals(List.of(), findings, "seed " + SEED);
        assertEquals("", report.failure());
    }

    /** Some writers never set COPIED in the L1 table. */
    @Test
    void aTableThatNobodySharesIsFreeOnceItWasCopied() {
        MemoryStorage storage = new TinyImage().put(TinyImage.L1, TinyImage.L2).storage();
        byte[] bytes = TestBytes.patchy(new Random(SEED), TinyImage.CLUSTER);
        ReferenceOpener none = new Base(new byte[0]);
        try (Image image =
                Qcow2Format.INSTANCE.open(
                        new KeepOpen(storage, true), FormatOptions.DEFAULT, none)) {
            for (int cluster = 4; cluster < 8; cluster++) {
                long at = (long) cluster * TinyImage.CLUSTER;
                image.write(at, MemorySegment.ofArray(bytes), Durability.STABLE);
            }
            assertArrayEquals(bytes, TestBytes.read(image, 7L * bytes.length, bytes.length));
        }
        assertFalse(HeaderCodec.read(storage).has(Header.CORRUPT));
        check(storage);
    }

    /** After a commit the backing file has it all: whatever fails, the disk reads as before. */
    @ParameterizedTest
    @MethodSource("kinds")
    void anEmptyingThatFailsIsNotSeen(Kind kind) {
        if (kind.backing() < SIZE) {
            return;
        }
        byte[] base = Arrays.copyOf(base(kind), SIZE);
        MemoryStorage before = new MemoryStorage("image", 0);
        Qcow2CreateOptions options = kind.options().withBacking("base", "raw");
        ImageCreator.create(before, Optional.empty(), options);
        try (Image image = open(new KeepOpen(before, true), kind)) {
            image.write(0, MemorySegment.ofArray(base), Durability.CACHED);
        }
        boolean failed = true;
        for (int n = 1; failed; n++) {
            FaultPlan plan = FaultPlan.once(Call.changes(), Fault.EIO, n);
            MemoryStorage storage = copy(before);
            Image image = open(new FailingStorage(storage, plan), kind);
            try {
                image.write(0, MemorySegment.ofArray(base), Durability.CACHED);
                assertArrayEquals(base, TestBytes.read(image, 0, SIZE), plan.toString());
                image.emptying().orElseThrow().makeEmpty();
            } catch (BlockException expected) {
                assertTrue(plan.hasFailed(), expected::toString);
            }
            failed = plan.hasFailed();
            assertArrayEquals(base, TestBytes.read(image, 0, SIZE), plan.toString());
            try (Image again = open(new KeepOpen(storage, false), kind)) {
                assertArrayEquals(base, TestBytes.read(again, 0, SIZE), plan.toString());
            }
        }
    }

    /** Else a later flush would succeed, although the file lacks what was lost half-way. */
    @Test
    void anErrorHalfWayEndsAllChanges() {
        AtomicBoolean broken = new AtomicBoolean();
        StorageNode file =
                new StorageWrapper(new TinyImage().storage()) {
                    @Override
                    public void write(long offset, MemorySegment source, Durability durability) {
                        if (broken.get()) {
                            throw new OutOfMemoryError("for a test");
                        }
                        super.write(offset, source, durability);
                    }
                };
        Image image = Qcow2Format.INSTANCE.open(file, FormatOptions.DEFAULT, new Base(new byte[0]));
        MemorySegment bytes = MemorySegment.ofArray(new byte[TinyImage.CLUSTER]);
        image.write(4L * TinyImage.CLUSTER, bytes.fill((byte) 1), Durability.CACHED);
        broken.set(true);
        assertThrows(OutOfMemoryError.class, image::flush);
        broken.set(false);
        assertThrows(BlockException.Media.class, image::flush);
        assertThrows(BlockException.Media.class, image::close);
    }
}
