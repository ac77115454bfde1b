package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.testkit.PausingStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Races and windows that destroyed data in other implementations. Each has a test by name, here or
 * elsewhere:
 *
 * <ul>
 *   <li>a hole punched into a cluster that is in use again: {@link
 *       #whatIsFreedIsNotUsedAgainBeforeItsHoleIsThere}, {@link
 *       TurnsTest#aWriteUnderWayNeverHitsWhatItsClusterBecomes};
 *   <li>an allocator that gives live tables away: {@link
 *       #anAllocatorOfAReopenedImageKnowsItsTables}, {@link #aClusterWithATableIsNeverGivenAway};
 *   <li>a disk that is full in the middle of a mapping: {@link #aFullDiskLeavesNoHalfMadeMapping},
 *       {@link FaultTest#everyCallFailsOnce};
 *   <li>several queues over a backing file: {@link #partsOfClustersWrittenAtOnceAllArrive}, {@link
 *       TurnsTest#ofTwoRequestsForOneClusterOneComesFirst};
 *   <li>guest data over the first clusters of the file: {@link #guestDataNeverHitsMetadata};
 *   <li>COPIED wrong: {@link #countsAndFlagsAreRightAfterEveryOperation};
 *   <li>shared state without a lock: {@link RaceTest#everyOwnerFindsWhatItWrote}, {@link
 *       TurnsTest#aReadUnderWayNeverSeesWhatItsClusterBecomes}, {@code TableCacheTest};
 *   <li>options lost by opening: {@link #openingForWritingChangesNoByteAndWritingKeepsOptions};
 *   <li>masks and shifts: {@link #compressedClustersBeyondFourGibibytesAreFoundAgain}, {@code
 *       Qcow2BitmapsTest#manyBitmapsAreStored};
 *   <li>version 2, a discard over a backing file: {@link #aDiscardInVersion2ShowsNothingOld};
 *   <li>zero clusters in version 2, the end of a disk within a cluster: {@link
 *       #zerosUpToAnyEndHideWhatIsBelow};
 *   <li>ranges of subclusters, both bits set: {@link SubclusterPairsTest#everyPairOverEveryState};
 *   <li>a crash or a kill at any call, lazy refcounts: {@link CrashTest#whateverSurvivesIsIntact},
 *       {@link CrashThreadsTest#whatWasFlushedWhileOthersWroteIsThere}, {@link
 *       KillTest#whatWasFlushedSurvivesTheProcess};
 *   <li>a rebuild of refcounts that overwrites data: {@code
 *       RepairTest#everyBrokenRefcountStructureIsRebuilt}, {@code
 *       RepairOracleTest#lostCountsCostNoData};
 *   <li>a full disk that loses the good bitmap beside a stale one: {@link
 *       #aFullDiskLosesNoBitmapAndLeavesNoneThatClaimsLess};
 *   <li>bitmaps over crashes, snapshots, sizes: {@link CrashTest#randomImagesSurviveToo}, {@code
 *       BitmapSafetyTest#aCrashLeavesNoBitmapThatClaimsLess}, {@code
 *       Qcow2BitmapsTest#goingBackToASnapshotMarksAll}, {@code
 *       Qcow2BitmapsTest#bitmapsFollowTheDisksSize};
 *   <li>errors in the middle of a snapshot or of resizing, a second writer: {@code
 *       Qcow2SnapshotsTest#whateverFailsNothingIsLost}, {@code
 *       Qcow2ResizeTest#whateverFailsTheDiskIsTheOldOrTheNewOne}, {@code
 *       LockTest#aQcow2ImageThatQemuWritesIsBusyAndTheProcessIsNamed};
 *   <li>external data files: {@link #anImageWithADataFileRefusesSnapshots}, {@link
 *       ModelTest#aDiskReadsAsTheArrayAndQemuAgrees};
 *   <li>ranges copied by the kernel: Gaur asks for none; {@code
 *       ConvertTest#everyImageBecomesARawOneAndAQcow2One} compares what was written;
 *   <li>an end of the process before all is written: {@code SignalTest#nothingIsLeft}, {@link
 *       KillTest#whatWasFlushedSurvivesTheProcess}.
 * </ul>
 */
class HostileRacesTest {
    private static final int CLUSTER = 4096;
    private static final DiscardOptions PASS_ALL =
            new DiscardOptions(true, true, true, true, false);

    private static TestImage image(String spec) {
        return TestImage.create(ImageSpec.of(spec), new Random(ImageZoo.SEED));
    }

    private static void write(Image image, long offset, byte[] bytes) {
        image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    /** A hole was punched late, into a cluster that was in use again. */
    @ParameterizedTest
    @EnumSource(names = {"DISCARD", "FLUSH", "WRITE"})
    void whatIsFreedIsNotUsedAgainBeforeItsHoleIsThere(Call pausedAt) throws Exception {
        TestImage created = image("v3 cluster=4k size=400k");
        PausingStorage file = new PausingStorage(created.file(), pausedAt);
        TestImage files = created.in(file, Optional.empty());
        byte[] fresh = Op.bytes(3, 50 * CLUSTER);
        try (Image image = files.open(FormatOptions.DEFAULT.withDiscard(PASS_ALL))) {
            write(image, 0, Op.bytes(2, 50 * CLUSTER));
            image.flush();
            file.arm();
            Thread discards =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        image.discard(0, 50 * CLUSTER);
                                        image.flush();
                                    });
            assertTrue(file.awaitPause(discards), "no such call");
            Thread writes =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int at = 0; at < fresh.length; at += CLUSTER) {
                                            byte[] part =
                                                    Arrays.copyOfRange(fresh, at, at + CLUSTER);
                                            write(image, 50L * CLUSTER + at, part);
                                        }
                                        image.flush();
                                    });
            file.goOnAfter(writes);
            discards.join();
            writes.join();
            image.flush();
        }
        files.check().assertClean();
        try (Image image = files.openToRead("")) {
            byte[] zeros = new byte[fresh.length];
            assertArrayEquals(zeros, TestBytes.read(image, 0, zeros.length));
            assertArrayEquals(fresh, TestBytes.read(image, 50 * CLUSTER, fresh.length));
        }
    }

    /** The free list was made anew at each opening, without the L2 tables. */
    @Test
    void anAllocatorOfAReopenedImageKnowsItsTables() {
        TestImage files = image("v3 cluster=512 size=600k");
        DiskModel model = files.model();
        Random random = new Random(ImageZoo.SEED);
        for (int round = 0; round < 20; round++) {
            try (Session session = Session.of(files, model)) {
                for (int i = 0; i < 30; i++) {
                    long at = random.nextInt(1200) * 512L;
                    session.run(new Op.Write(at, 512, random.nextLong(), false));
                    session.run(new Op.Discard(random.nextInt(1200) * 512L, 4096));
                }
                session.checkAll();
                session.flush();
            }
            files.check().assertClean();
        }
    }

    /** The same if it believes a count of zero. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aClusterWithATableIsNeverGivenAway(boolean l1) {
        TestImage files = image("v3 cluster=4k size=4000k");
        try (Session session = Session.of(files, files.model())) {
            session.run(new Op.Write(0, CLUSTER, 2, false));
            session.flush();
        }
        StorageNode file = files.file();
        long table = l1 ? u64(file, 40) : u64(file, u64(file, 40)) & 0x00fffffffffffe00L;
        long block = u64(file, u64(file, 48));
        MemorySegment zero = MemorySegment.ofArray(new byte[2]);
        file.write(block + 2 * (table / CLUSTER), zero, Durability.STABLE);
        byte[] before = TestBytes.read(file, table, CLUSTER);
        Image image = files.open();
        assertThrows(
                BlockException.class,
                () -> {
                    for (int at = CLUSTER; at < 600 * CLUSTER; at += CLUSTER) {
                        write(image, at, Op.bytes(2, CLUSTER));
                    }
                    image.flush();
                });
        assertThrows(BlockException.class, image::close);
        assertArrayEquals(before, TestBytes.read(file, table, CLUSTER));
        assertThrows(BlockException.Denied.class, files::open, "it says that it is corrupt");
    }

    /** The disk became full in the middle of making a mapping, which stayed half made. */
    @Test
    void aFullDiskLeavesNoHalfMadeMapping() {
        ImageSpec spec = ImageSpec.of("v3 cluster=512 size=200k");
        EnumSet<Call> growing = EnumSet.of(Call.WRITE, Call.ZERO, Call.RESIZE);
        FaultPlan plan = FaultPlan.counting(growing);
        for (long n = 1; n == 1 || plan.hasFailed(); n++) {
            plan = FaultPlan.from(growing, Fault.ENOSPC, n);
            TestImage files = TestImage.create(spec, new Random(n));
            DiskModel model = files.model();
            TestImage full = files.in(new FailingStorage(files.file(), plan), Optional.empty());
            fillUp(full, model, new BitmapHistory());
            files.check().assertIntact();
            try (Session session = Session.of(files, model)) {
                model.check(session.image(), DiskModel.AFTER_ALL);
                model.settle(session.image(), List.of());
                session.run(new Op.Write(30_000, 150_000, 3, false));
                session.checkAll();
                session.flush();
            }
            files.check().assertIntact();
        }
    }

    private static void fillUp(TestImage full, DiskModel model, BitmapHistory bitmaps) {
        FormatOptions options = FormatOptions.DEFAULT;
        try (Session session = new Session(full, model, options, () -> 0, true, bitmaps)) {
            for (int i = 0; i < 12; i++) {
                session.run(new Op.Write(i * 17_000L, 900, i, false));
                session.run(i % 3 == 2 ? new Op.Flush() : new Op.Read(i * 9_000L, 5_000));
            }
        } catch (BlockException.Media _) {
            // Closing finds the disk full too.
        }
    }

    /** Guest data overwrote the first clusters of the file. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void guestDataNeverHitsMetadata(int cluster) {
        TestImage files = image("v3 cluster=4k size=400k");
        try (Session session = Session.of(files, files.model())) {
            session.run(new Op.Write(0, CLUSTER, 2, false));
            session.flush();
        }
        StorageNode file = files.file();
        long l1 = u64(file, 40);
        long l2 = u64(file, l1) & 0x00fffffffffffe00L;
        List<Long> metadata = List.of(u64(file, 48), u64(file, u64(file, 48)), l1, l2);
        MemorySegment entry = MemorySegment.ofArray(new byte[8]);
        Bytes.putU64(entry, 0, metadata.get(cluster) | 1L << 63);
        file.write(l2, entry, Durability.STABLE);
        byte[] before = TestBytes.read(file, 0, (int) file.length());
        Image image = files.open();
        assertThrows(BlockException.class, () -> write(image, 100, new byte[512]));
        assertThrows(BlockException.class, () -> write(image, 9 * CLUSTER, new byte[512]));
        assertThrows(BlockException.class, image::close);
        assertThrows(BlockException.Denied.class, files::open, "it says that it is corrupt");
        byte[] after = TestBytes.read(file, 0, (int) file.length());
        System.arraycopy(before, 72, after, 72, 8); // It may be marked as corrupt.
        assertArrayEquals(before, after);
    }

    private static long u64(StorageNode file, long offset) {
        return Bytes.u64(MemorySegment.ofArray(TestBytes.read(file, offset, 8)), 0);
    }

    /** COPIED was wrong after some operation, and the next write hit what others had too. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=1k size=40k",
                "v3 cluster=16k size=320k ext backing=raw:200k",
                "v2 cluster=1k size=40k"
            })
    void countsAndFlagsAreRightAfterEveryOperation(String text) {
        TestImage files = image(text);
        Random random = new Random(ImageZoo.SEED);
        Workload.Extras extras = Workload.Extras.CLEAN;
        List<Op> ops = Workload.random(random, files.spec(), extras, 150);
        Story story = new Story(ImageZoo.SEED, files.spec(), ops);
        story.tell(
                () -> {
                    try (Session session = Session.of(files, files.model())) {
                        for (Op op : ops) {
                            session.run(op);
                            session.run(new Op.Flush());
                            files.check().assertIntact();
                        }
                    }
                });
    }

    /** Opening an image dropped its options. */
    @Test
    void openingForWritingChangesNoByteAndWritingKeepsOptions() {
        TestImage files = image("v3 cluster=4k size=400k lazy rc=32 zstd");
        byte[] before = TestBytes.read(files.file(), 0, (int) files.file().length());
        files.open().close();
        byte[] opened = TestBytes.read(files.file(), 0, (int) files.file().length());
        assertArrayEquals(before, opened);
        try (Session session = Session.of(files, files.model())) {
            session.run(new Op.Write(0, CLUSTER, 2, false));
            session.flush();
        }
        byte[] header = TestBytes.read(files.file(), 0, CLUSTER);
        assertArrayEquals(Arrays.copyOf(before, CLUSTER), header);
    }

    /** A discard in a version 2 image brought back what the backing file has. */
    @Test
    void aDiscardInVersion2ShowsNothingOld() {
        TestImage files = image("v2 cluster=4k size=40k backing=raw:40k");
        byte[] bytes = Op.bytes(2, CLUSTER);
        try (Image image = files.open()) {
            write(image, 0, bytes);
            try {
                image.discard(0, CLUSTER);
            } catch (BlockException.Unsupported _) {
                // As QEMU has it.
            }
            byte[] now = TestBytes.read(image, 0, CLUSTER);
            assertTrue(Arrays.equals(now, bytes) || Arrays.equals(now, new byte[CLUSTER]));
        }
    }

    /** A zeroed range ended within a cluster, or a version 2 image had no way to say zero. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "v2 cluster=4k size=22016 backing=raw:40k",
                "v3 cluster=4k size=22016 backing=qcow2:40k",
                "v3 cluster=16k size=50688 ext backing=raw:100k",
                "v2 cluster=4k size=22016",
                "v3 cluster=4k size=22016 data"
            })
    void zerosUpToAnyEndHideWhatIsBelow(String text) {
        ImageSpec spec = ImageSpec.of(text);
        long size = spec.size();
        for (ZeroMode mode : new ZeroMode[] {ZeroMode.KEEP, ZeroMode.UNMAP}) {
            for (long left : new long[] {size, size - 512, 512, 1000, spec.clusterSize()}) {
                TestImage files = TestImage.create(spec, new Random(left));
                DiskModel model = files.model();
                try (Session session = Session.of(files, model)) {
                    session.run(new Op.Write(size - 1500, 700, 2, false));
                    session.run(new Op.Zero(size - left, (int) left, mode, false));
                    session.run(new Op.Discard(0, (int) size));
                    session.run(new Op.Zero(0, (int) size, mode, false));
                    session.run(new Op.Write(size - 100, 100, 6, false));
                    session.run(new Op.Resize(2L * size - size % 1024));
                    session.checkAll();
                }
                files.check().assertClean();
                try (Image image = files.openToRead("")) {
                    model.check(image, DiskModel.NOW);
                }
            }
        }
    }

    /** A disk that became full took the good bitmap with it. */
    @Test
    void aFullDiskLosesNoBitmapAndLeavesNoneThatClaimsLess() {
        ImageSpec spec = ImageSpec.of("v3 cluster=4k size=400k");
        TestImage start = TestImage.create(spec, new Random(0));
        try (Session session = Session.of(start, start.model())) {
            session.run(new Op.AddBitmap("stale", 4096));
        }
        TestImage stale;
        try (Image image = start.open()) {
            write(image, 0, new byte[512]);
            image.flush();
            stale = start.copy(); // As a crash leaves it: in use.
        }
        EnumSet<Call> growing = EnumSet.of(Call.WRITE, Call.ZERO, Call.RESIZE);
        FaultPlan plan = FaultPlan.counting(growing);
        for (long n = 1; n == 1 || plan.hasFailed(); n++) {
            TestImage files = stale.copy();
            BitmapHistory bitmaps = new BitmapHistory();
            try (Session session = Session.of(files, files.model(), bitmaps)) {
                session.run(new Op.AddBitmap("good", 512));
                session.run(new Op.AddBitmap("other", 65536));
            }
            plan = FaultPlan.from(growing, Fault.ENOSPC, n);
            StorageNode failing = new FailingStorage(files.file(), plan);
            DiskModel model = files.model();
            fillUp(files.in(failing, Optional.empty()), model, bitmaps);
            try (Image image = files.openToRead("")) {
                List<String> names = new ArrayList<>();
                image.bitmaps().orElseThrow().list().forEach(each -> names.add(each.name()));
                assertEquals(List.of("stale", "good", "other"), names);
                bitmaps.check(image, DiskModel.AFTER_ALL);
            }
            files.check().assertIntact();
        }
    }

    /** Something half supported was guessed at instead of refused. */
    @ParameterizedTest
    @ValueSource(strings = {"v3 cluster=4k size=40k data", "v3 cluster=4k size=40k dataraw"})
    void anImageWithADataFileRefusesSnapshots(String text) {
        TestImage files = image(text);
        try (Image image = files.open()) {
            write(image, 0, new byte[512]);
            assertTrue(image.snapshots().isEmpty());
            assertTrue(image.compressing().isEmpty());
        }
        files.check().assertClean();
    }

    /** Eight queues wrote parts of the same clusters, which came from a backing file. */
    @Test
    void partsOfClustersWrittenAtOnceAllArrive() throws Exception {
        TestImage files = image("v3 cluster=4k size=1000k backing=qcow2:1000k");
        byte[] expected = files.below().clone();
        try (Image image = files.open()) {
            List<Thread> queues = new ArrayList<>();
            for (int queue = 0; queue < 8; queue++) {
                int first = queue * 512;
                byte[] bytes = Op.bytes(4L * queue + 2, 512);
                for (int at = first; at < expected.length; at += CLUSTER) {
                    System.arraycopy(bytes, 0, expected, at, 512);
                }
                queues.add(
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            for (long at = first;
                                                    at < expected.length;
                                                    at += CLUSTER) {
                                                write(image, at, bytes);
                                            }
                                        }));
            }
            for (Thread queue : queues) {
                queue.join();
            }
            image.flush();
        }
        try (Image image = files.openToRead("")) {
            assertArrayEquals(expected, TestBytes.read(image, 0, expected.length));
        }
        files.check().assertClean();
    }

    /** A mask that was too narrow lost compressed clusters beyond 4 GiB. */
    @Test
    void compressedClustersBeyondFourGibibytesAreFoundAgain() {
        Path folder = ImageZoo.workshop("beyond");
        long size = 5L << 30;
        Peers.qemuImgIn(
                        folder,
                        "create",
                        "-q",
                        "-f",
                        "qcow2",
                        "-o",
                        "preallocation=metadata,cluster_size=2M",
                        TestImage.FILE,
                        Long.toString(size))
                .ok();
        String file = folder.resolve(TestImage.FILE).toString();
        byte[] bytes = new byte[2 << 20];
        Arrays.fill(bytes, (byte) 'x');
        try (StorageNode storage = FileDriver.fast().open(file, StorageOptions.WRITE);
                Image image = image("v3 size=5242880k").in(storage, Optional.empty()).open()) {
            for (long at = 0; at < 3L << 21; at += 2 << 20) {
                MemorySegment source = MemorySegment.ofArray(bytes);
                image.compressing().orElseThrow().writeCompressed(at, source);
            }
            image.flush();
            assertTrue(storage.length() > size, "compressed where there was room before");
            assertArrayEquals(bytes, TestBytes.read(image, 0, bytes.length));
        }
        Qemu.assertClean(folder);
        Peers.Result read =
                Peers.qemuIo(folder.resolve(TestImage.FILE), "qcow2", "read -P 0x78 0 6M").ok();
        assertEquals(-1, read.out().indexOf("verification failed"), read::toString);
    }
}
