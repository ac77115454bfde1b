package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
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

/** Races and windows that destroyed data in other implementations, each by name. */
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
            fillUp(full, model);
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

    private static void fillUp(TestImage full, DiskModel model) {
        try (Session session = new Session(full, model, FormatOptions.DEFAULT, () -> 0, true)) {
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
        try (Image image = files.open()) {
            assertThrows(BlockException.class, () -> write(image, 100, new byte[512]));
        }
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
