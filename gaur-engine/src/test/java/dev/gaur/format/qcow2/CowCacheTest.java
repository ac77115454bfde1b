package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CowUse;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
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
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writes wait in memory for the rest of their cluster, and nobody can tell but by counting. */
class CowCacheTest {
    private static final int K = 1024;
    private static final int CLUSTER = 64 * K;
    private static final int SIZE = 4 * K * K;
    private static final int PIECE = 4 * K;
    private static final int EIO = 5;
    private static final int ENOSPC = 28;
    private static final long OFF = 0;
    private static final long AUTO = FormatOptions.AUTO;

    /** An image over a backing file of noise, and what it must read as. */
    private static final class Disk implements ReferenceOpener, AutoCloseable {
        private final byte[] model = new byte[SIZE];
        private final CountingStorage base;
        private final MemoryStorage file = new MemoryStorage("image", 0);
        private final List<Integer> writes = new ArrayList<>();
        private StorageNode top;
        private Image image;
        private boolean bad; // The backing file's second cluster.

        Disk(Qcow2CreateOptions options, long bytes) {
            new Random(1).nextBytes(model);
            base = new CountingStorage(new MemoryStorage("base", model.clone()));
            ImageCreator.create(file, Optional.empty(), options.withBacking("base", "raw"));
            top = new Writes(file);
            image = open(bytes);
        }

        Disk(long bytes) {
            this(Qcow2CreateOptions.ofSize(SIZE), bytes);
        }

        /** Notes how much is written at once. */
        private final class Writes extends StorageWrapper {
            Writes(StorageNode real) {
                super(real);
            }

            @Override
            public void write(long offset, MemorySegment source, Durability durability) {
                super.write(offset, source, durability);
                writes.add((int) source.byteSize());
            }
        }

        private Image open(long bytes) {
            FormatOptions options = FormatOptions.DEFAULT.withCowCacheBytes(bytes);
            return Qcow2Format.INSTANCE.open(new KeepOpen(top, true), options, this);
        }

        /** Opens it once more, over other storage. */
        void reopen(StorageNode over, long bytes) {
            image.close();
            top = over;
            image = open(bytes);
        }

        @Override
        public BlockNode backing(Reference reference) {
            return new StorageWrapper(base) {
                @Override
                public void read(long offset, MemorySegment target) {
                    if (bad && offset < 2 * CLUSTER && offset + target.byteSize() > CLUSTER) {
                        throw new BlockException.Media("base", "", offset, "bad", EIO, null);
                    }
                    super.read(offset, target);
                }
            };
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }

        void write(int at, int count, Durability durability) {
            byte[] bytes = new byte[count];
            new Random(at * 31L + count).nextBytes(bytes);
            image.write(at, MemorySegment.ofArray(bytes), durability);
            System.arraycopy(bytes, 0, model, at, count);
        }

        void write(int at, int count) {
            write(at, count, Durability.CACHED);
        }

        /** Writes of data: larger than those of tables here. */
        List<Integer> dataWrites() {
            return writes.stream().filter(each -> each >= PIECE).toList();
        }

        CowUse use() {
            return image.cowUse().orElseThrow();
        }

        long held() {
            return use().bytes();
        }

        void assertReads() {
            assertArrayEquals(model, TestBytes.readArray(image, 0, SIZE));
            byte[] part = TestBytes.readArray(image, 1000, 3 * CLUSTER);
            assertArrayEquals(Arrays.copyOfRange(model, 1000, 1000 + 3 * CLUSTER), part);
        }

        /** What another process would find now, if the image says that it is closed. */
        void assertLeft() {
            assertEquals(List.of(), Kinds.findings(file));
            try (Image left =
                    Qcow2Format.INSTANCE.open(
                            new KeepOpen(file, false), FormatOptions.DEFAULT, this)) {
                assertArrayEquals(model, TestBytes.readArray(left, 0, SIZE));
            }
        }

        @Override
        public void close() {
            image.close();
            assertLeft();
        }
    }

    private static SnapshotInfo snapshot(String name) {
        return new SnapshotInfo("", name, Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
    }

    // ---- what it saves

    @Test
    void clustersThatAreFilledNeedNoReadAndLeaveTogether() {
        try (Disk disk = new Disk(AUTO)) {
            for (int at = 0; at < 2 * K * K; at += PIECE) {
                disk.write(at, PIECE);
            }
            disk.image.flush();
            assertEquals(0, disk.base.reads());
            // The file grows by a step between them.
            assertEquals(List.of(K * K, 15 * CLUSTER, CLUSTER), disk.dataWrites());
            CowUse use = disk.use();
            assertEquals(32, use.writeOuts());
            assertEquals(32, use.merges());
            assertEquals(32, use.readsSaved());
            assertEquals(0, use.fills());
            assertEquals(512, use.writes());
            assertEquals(32L * (CLUSTER - PIECE), use.bytesSaved());
            assertEquals(0, use.bytes());
            disk.assertReads();
        }
    }

    @Test
    void oneClusterTakesOneWrite() {
        try (Disk disk = new Disk(AUTO)) {
            for (int at = CLUSTER - PIECE; at >= 0; at -= PIECE) {
                disk.write(CLUSTER + at, PIECE);
            }
            assertEquals(List.of(), disk.writes);
            disk.image.flush();
            assertEquals(0, disk.base.reads());
            assertEquals(List.of(CLUSTER), disk.dataWrites());
        }
    }

    @Test
    void withoutItEachFirstWriteCopies() {
        try (Disk disk = new Disk(OFF)) {
            for (int at = 0; at < 2 * CLUSTER; at += PIECE) {
                disk.write(at, PIECE);
            }
            assertEquals(2, disk.base.reads());
            assertEquals(32, disk.dataWrites().size());
            assertEquals(0, disk.use().writes());
        }
    }

    @Test
    void gapsAreReadWhenAllMustLeave() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(CLUSTER + 8 * K, PIECE);
            disk.write(CLUSTER + 700, 100);
            disk.write(CLUSTER + 40 * K, PIECE);
            disk.write(CLUSTER + 50 * K, PIECE);
            assertEquals(0, disk.base.reads());
            disk.assertReads();
            long before = disk.base.reads();
            disk.image.flush();
            assertEquals(1, disk.base.reads() - before, "several gaps are one read");
            assertEquals(List.of(CLUSTER), disk.dataWrites());
            assertEquals(1, disk.use().fills());
            disk.assertReads();
        }
    }

    @Test
    void headAndTailAreReadApart() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(CLUSTER + 8 * K, PIECE);
            disk.image.flush();
            assertEquals(2, disk.base.reads());
            assertEquals(CLUSTER - PIECE, disk.base.bytesRead());
            assertEquals(List.of(CLUSTER), disk.dataWrites());
        }
    }

    @Test
    void aSubclusterIsWhatHasToBeFilled() {
        Qcow2CreateOptions extended = Qcow2CreateOptions.ofSize(SIZE).withExtendedL2(true);
        try (Disk disk = new Disk(extended, AUTO)) {
            disk.write(3 * 2 * K, K);
            disk.write(20 * 2 * K, 2 * K);
            disk.write(21 * 2 * K + 100, 200);
            disk.image.flush();
            assertEquals(K + 2 * K - 200, disk.base.bytesRead());
            disk.assertReads();
        }
    }

    @Test
    void whatFillsItsClusterDoesNotWait() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(PIECE, 3 * CLUSTER);
            assertEquals(List.of(2 * CLUSTER), disk.dataWrites());
            assertEquals(2, disk.use().writes());
            disk.assertReads();
        }
    }

    @Test
    void zerosThatAreKnownNeedNoCopy() {
        try (Disk disk = new Disk(AUTO)) {
            disk.image.zero(0, SIZE, ZeroMode.UNMAP, Durability.CACHED);
            Arrays.fill(disk.model, (byte) 0);
            disk.write(PIECE, PIECE);
            assertEquals(0, disk.use().writes());
            assertEquals(List.of(PIECE), disk.dataWrites());
        }
    }

    @Test
    void aSharedClusterWaitsToo() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(0, CLUSTER);
            disk.image.snapshots().orElseThrow().create(snapshot("one"));
            disk.writes.clear();
            for (int at = 0; at < CLUSTER; at += PIECE) {
                disk.write(at, PIECE);
            }
            disk.image.flush();
            assertEquals(List.of(CLUSTER, CLUSTER), disk.dataWrites(), "a table, and the data");
            disk.assertReads();
        }
    }

    @Test
    void memoryIsBounded() {
        try (Disk disk = new Disk(3L * CLUSTER + 100)) {
            for (int i = 0; i < 20; i++) {
                disk.write((i * 7 % 20) * CLUSTER + i * 100, 5000);
                assertTrue(disk.held() <= 3 * CLUSTER);
            }
            assertEquals(17, disk.use().evictions());
            disk.assertReads();
            disk.image.flush();
            assertEquals(0, disk.held());
        }
    }

    @Test
    void lessThanAClusterIsNothing() {
        try (Disk disk = new Disk(CLUSTER - 1)) {
            disk.write(0, PIECE);
            assertEquals(0, disk.use().writes());
            assertFalse(disk.writes.isEmpty());
        }
    }

    @Test
    void manyPiecesLeaveEarly() {
        Qcow2CreateOptions large = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(2 << 20);
        try (Disk disk = new Disk(large, AUTO)) {
            for (int i = 0; i < 1500; i++) {
                disk.write(i * 1000, 10);
            }
            assertEquals(1, disk.use().writeOuts());
            disk.assertReads();
        }
    }

    // ---- what it must not do

    @Test
    void aStableWriteIsInTheFile() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(2 * CLUSTER, PIECE);
            disk.write(5000, 700);
            disk.write(6000, 700, Durability.STABLE);
            byte[] model = disk.model.clone();
            byte[] left;
            try (Image other =
                    Qcow2Format.INSTANCE.open(
                            new KeepOpen(Kinds.copy(disk.file), false),
                            FormatOptions.DEFAULT,
                            disk)) {
                left = TestBytes.readArray(other, 0, CLUSTER);
            }
            assertArrayEquals(Arrays.copyOf(model, CLUSTER), left);
            assertEquals(CLUSTER, disk.dataWrites().getFirst());
            assertTrue(disk.held() > 0, "the other cluster waits on");
        }
    }

    @Test
    void aStableWriteAloneDoesNotWait() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(6000, 700, Durability.STABLE);
            assertEquals(0, disk.use().writes());
            disk.assertReads();
        }
    }

    @Test
    void extentsSayWhereDataIs() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(CLUSTER + 100, 100);
            List<Extent> found = new ArrayList<>();
            disk.image.extents(CLUSTER / 2, 4 * CLUSTER, found::add);
            assertEquals(
                    List.of(1, 0, 1), found.stream().map(Extent::depth).toList(), found::toString);
            assertEquals(new Extent.Data(CLUSTER, CLUSTER, 0, Extent.NOWHERE, false), found.get(1));
            assertEquals(CLUSTER / 2 + 4 * CLUSTER, found.getLast().end());
            found.clear();
            disk.image.extents(CLUSTER + 50, 60, found::add);
            assertEquals(List.of(new Extent.Data(CLUSTER + 50, 60, 0, -1, false)), found);
        }
    }

    @Test
    void readsThatNeedNotWaitSeeItToo() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(CLUSTER + 100, 1000);
            byte[] bytes = new byte[900];
            assertTrue(disk.image.tryRead(CLUSTER + 150, MemorySegment.ofArray(bytes)));
            int from = CLUSTER + 150;
            assertArrayEquals(Arrays.copyOfRange(disk.model, from, from + 900), bytes);
            assertTrue(disk.image.prefetch(CLUSTER + 150, 900));
            byte[] more = new byte[2000];
            assertFalse(disk.image.tryRead(CLUSTER, MemorySegment.ofArray(more)));
        }
    }

    @Test
    void zerosHideWhatWaits() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(0, PIECE);
            disk.write(CLUSTER, PIECE);
            disk.write(2 * CLUSTER + PIECE, PIECE);
            disk.image.zero(2 * K, 2 * CLUSTER + 4 * K, ZeroMode.UNMAP, Durability.CACHED);
            Arrays.fill(disk.model, 2 * K, 2 * CLUSTER + 6 * K, (byte) 0);
            disk.assertReads();
            disk.image.flush();
            disk.assertReads();
        }
    }

    @Test
    void discardsDropWhatWaits() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(100, PIECE);
            disk.write(CLUSTER, PIECE);
            disk.image.discard(50, 2 * CLUSTER);
            Arrays.fill(disk.model, CLUSTER, 2 * CLUSTER, (byte) 0);
            disk.assertReads();
        }
        Qcow2CreateOptions old = Qcow2CreateOptions.ofSize(SIZE).withVersion(2);
        try (Disk disk = new Disk(old, AUTO)) {
            disk.write(CLUSTER, PIECE);
            disk.image.discard(0, 2 * CLUSTER); // It cannot.
            disk.assertReads();
        }
    }

    @Test
    void compressedWritesTakeItsPlace() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(CLUSTER, PIECE);
            byte[] text = new byte[CLUSTER];
            Arrays.fill(text, (byte) 'a');
            disk.image
                    .compressing()
                    .orElseThrow()
                    .writeCompressed(CLUSTER, MemorySegment.ofArray(text));
            System.arraycopy(text, 0, disk.model, CLUSTER, CLUSTER);
            assertEquals(0, disk.held());
            disk.write(CLUSTER + 50, 100); // Over it.
            assertEquals(2, disk.use().writes());
            disk.assertReads();
        }
    }

    @Test
    void changesOfTheWholeImageMeetNothingThatWaits() {
        try (Disk disk = new Disk(AUTO)) {
            disk.write(CLUSTER, PIECE);
            disk.image.snapshots().orElseThrow().create(snapshot("one"));
            byte[] then = disk.model.clone();
            assertEquals(0, disk.held());
            disk.write(CLUSTER + PIECE, PIECE);
            disk.image.snapshots().orElseThrow().apply("one");
            System.arraycopy(then, 0, disk.model, 0, SIZE);
            disk.assertReads();
            disk.write(2 * CLUSTER, PIECE);
            disk.image.bitmaps().orElseThrow().add("bitmap", CLUSTER, true);
            assertEquals(0, disk.held());
            disk.write(3 * CLUSTER, PIECE);
            disk.image.checker().orElseThrow().check(new CheckListener() {});
            assertEquals(0, disk.held());
            disk.write(4 * CLUSTER, PIECE);
            disk.image.rebasing().orElseThrow().setBacking("base", "raw");
            assertEquals(0, disk.held());
            disk.write(5 * CLUSTER, PIECE);
            disk.image.resizing().orElseThrow().resize(SIZE + 1024, Preallocation.OFF);
            disk.image.resizing().orElseThrow().resize(SIZE, Preallocation.OFF);
            assertEquals(0, disk.held());
            disk.write(6 * CLUSTER, PIECE);
            disk.assertReads();
        }
    }

    @Test
    void emptyingForgetsWhatWaits() {
        byte[] base;
        try (Disk disk = new Disk(AUTO)) {
            base = disk.model.clone();
            disk.write(CLUSTER, PIECE);
            disk.write(2 * CLUSTER, CLUSTER);
            disk.image.emptying().orElseThrow().makeEmpty();
            System.arraycopy(base, 0, disk.model, 0, SIZE);
            disk.assertReads();
            disk.image.bitmaps().orElseThrow().add("bitmap", CLUSTER, true);
            disk.write(CLUSTER, PIECE);
            disk.image.emptying().orElseThrow().makeEmpty(); // In another way.
            System.arraycopy(base, 0, disk.model, 0, SIZE);
            assertEquals(0, disk.held());
            disk.assertReads();
        }
    }

    @Test
    void theEndOfTheDiskNeedNotEndACluster() {
        Qcow2CreateOptions odd = Qcow2CreateOptions.ofSize(SIZE - 10 * K + 100);
        Disk disk = new Disk(odd, AUTO);
        int end = SIZE - 10 * K + 100;
        disk.write(end - 100, 100);
        disk.write(end - 5000, 4000);
        disk.write(end - CLUSTER, 10 * K);
        byte[] tail = TestBytes.readArray(disk.image, end - CLUSTER, CLUSTER);
        assertArrayEquals(Arrays.copyOfRange(disk.model, end - CLUSTER, end), tail);
        disk.image.flush();
        tail = TestBytes.readArray(disk.image, end - CLUSTER, CLUSTER);
        assertArrayEquals(Arrays.copyOfRange(disk.model, end - CLUSTER, end), tail);
        disk.image.close();
        assertEquals(List.of(), Kinds.findings(disk.file));
    }

    // ---- when it cannot be written

    private static int errno(Runnable request) {
        return assertThrows(BlockException.Media.class, request::run).errno();
    }

    @Test
    void aFullDiskFailsEveryFlushUntilThereIsSpace() {
        Disk disk = new Disk(AUTO);
        FullDisk full = new FullDisk(disk.file);
        disk.reopen(full, AUTO);
        disk.write(CLUSTER + 100, PIECE);
        disk.write(2 * CLUSTER, PIECE);
        for (int i = 0; i < 3; i++) {
            assertEquals(ENOSPC, errno(disk.image::flush));
            disk.assertReads();
        }
        assertEquals(ENOSPC, errno(() -> disk.write(5 * CLUSTER, PIECE, Durability.STABLE)));
        assertEquals(ENOSPC, errno(() -> snapshots(disk)));
        disk.assertReads();
        full.grow(8L << 20);
        disk.image.flush();
        disk.assertReads();
        disk.close();
    }

    private static void snapshots(Disk disk) {
        disk.image.snapshots().orElseThrow().create(snapshot("one"));
    }

    @Test
    void closingOnAFullDiskSaysWhatIsLost() {
        Disk disk = new Disk(AUTO);
        disk.reopen(new FullDisk(disk.file), AUTO);
        byte[] before = disk.model.clone();
        disk.write(CLUSTER + 100, PIECE);
        assertEquals(ENOSPC, errno(disk.image::close));
        System.arraycopy(before, 0, disk.model, 0, SIZE);
        disk.assertLeft();
    }

    @Test
    void whoFindsNoRoomOnAFullDiskFails() {
        Disk disk = new Disk(2L * CLUSTER);
        FullDisk full = new FullDisk(disk.file);
        disk.reopen(full, 2L * CLUSTER);
        disk.write(0, PIECE);
        disk.write(CLUSTER, PIECE);
        byte[] before = disk.model.clone();
        assertEquals(ENOSPC, errno(() -> disk.write(3 * CLUSTER, PIECE)));
        assertArrayEquals(before, TestBytes.readArray(disk.image, 0, SIZE));
        assertEquals(ENOSPC, errno(disk.image::flush));
        full.grow(8L << 20);
        disk.write(3 * CLUSTER, PIECE);
        disk.assertReads();
        disk.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBadSectorBelowStopsFlushesButNobodyElse(boolean small) {
        Disk disk = new Disk(small ? 2L * CLUSTER : AUTO);
        disk.write(PIECE, PIECE);
        disk.image.flush();
        disk.bad = true;
        disk.write(CLUSTER + PIECE, PIECE);
        for (int i = 2; i < 10; i++) {
            disk.write(i * CLUSTER + PIECE, PIECE);
        }
        for (int i = 0; i < 3; i++) {
            assertEquals(EIO, errno(disk.image::flush));
        }
        assertTrue(disk.held() > 0);
        int from = CLUSTER + PIECE;
        assertArrayEquals(
                Arrays.copyOfRange(disk.model, from, from + PIECE),
                TestBytes.readArray(disk.image, from, PIECE));
        disk.write(CLUSTER, CLUSTER); // Nothing has to be read for it any more.
        disk.image.flush();
        disk.bad = false;
        disk.assertReads();
        disk.close();
    }

    @Test
    void everyFaultOfAWriteOutIsHeardAndHarmsNothing() {
        for (Fault fault : Fault.values()) {
            boolean failed = true;
            for (int n = 1; failed; n++) {
                Disk disk = new Disk(AUTO);
                disk.write(9 * CLUSTER, CLUSTER);
                disk.image.flush();
                FaultPlan plan = FaultPlan.once(EnumSet.of(Call.WRITE), fault, n);
                disk.reopen(new FailingStorage(disk.file, plan), AUTO);
                disk.write(100, 200);
                disk.write(CLUSTER, PIECE);
                disk.write(3 * CLUSTER - 200, 400);
                boolean heard = false;
                try {
                    disk.image.flush();
                } catch (BlockException _) {
                    heard = true;
                }
                disk.assertReads();
                boolean stable = !heard || flushes(disk.image);
                boolean closed = closes(disk.image);
                failed = plan.hasFailed();
                assertEquals(failed, heard || !closed, plan::toString);
                if (stable && closed) { // Else what is left is for a repair.
                    disk.assertLeft();
                }
            }
        }
    }

    private static boolean flushes(Image image) {
        try {
            image.flush();
            return true;
        } catch (BlockException _) {
            return false;
        }
    }

    private static boolean closes(Image image) {
        try {
            image.close();
            return true;
        } catch (BlockException _) {
            return false;
        }
    }

    @Test
    void aFailedZeroLosesNothing() {
        Disk disk = new Disk(AUTO);
        FaultPlan plan = FaultPlan.from(EnumSet.of(Call.WRITE, Call.ZERO), Fault.EIO, 1);
        disk.reopen(new FailingStorage(disk.file, plan), AUTO);
        disk.write(CLUSTER, PIECE);
        assertThrows(
                BlockException.class,
                () -> disk.image.zero(CLUSTER, CLUSTER, ZeroMode.UNMAP, Durability.CACHED));
        disk.assertReads();
        assertThrows(BlockException.class, disk.image::close);
    }
}
