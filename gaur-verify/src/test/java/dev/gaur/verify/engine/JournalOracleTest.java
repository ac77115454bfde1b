package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** QEMU and images with a journal, which it does not know. */
class JournalOracleTest {
    private static final long JOURNAL_VALID = 1L << 62;
    private static final int AUTOCLEAR_AT = 88;
    private static final int INCOMPATIBLE_AT = 72;

    /** The extension is the first one. */
    private static final int EXTENSION_AT = 112;

    private static final int EXTENSION_BYTES = 40;
    private static final int GAUR = 0x47415552;

    private static ByteBuffer header(Path folder) throws IOException {
        byte[] all = Files.readAllBytes(folder.resolve(TestImage.FILE));
        return ByteBuffer.wrap(Arrays.copyOf(all, 4096));
    }

    private static boolean isDirty(Path folder) throws IOException {
        return (header(folder).getLong(INCOMPATIBLE_AT) & 1) != 0;
    }

    private static long autoclear(Path folder) throws IOException {
        return header(folder).getLong(AUTOCLEAR_AT);
    }

    /** What a file's extension of the journal has; empty if there is none. */
    private static byte[] extension(Path folder) throws IOException {
        ByteBuffer bytes = header(folder);
        for (int at = bytes.getInt(100); bytes.getInt(at) != 0; ) {
            int length = bytes.getInt(at + 4);
            if (bytes.getInt(at) == GAUR) {
                return Arrays.copyOfRange(bytes.array(), at + 8, at + 8 + length);
            }
            at += 8 + (length + 7) / 8 * 8;
        }
        return new byte[0];
    }

    private static StorageNode open(Path folder) {
        return FileDriver.fast()
                .open(folder.resolve(TestImage.FILE).toString(), StorageOptions.WRITE);
    }

    /** Lets Gaur work with the file in a folder; returns what the disk has. */
    private static byte[] work(TestImage created, Path folder, long seed) {
        try (StorageNode storage = open(folder);
                Session session =
                        Session.of(
                                created.in(List.of(storage)),
                                new DiskModel(disk(created, storage), new byte[0]))) {
            session.run(
                    Workload.random(new Random(seed), created.spec(), Workload.Extras.NONE, 30));
            session.flush();
            Image image = session.image();
            return TestBytes.readArray(image, 0, (int) image.length());
        }
    }

    private static byte[] disk(TestImage created, StorageNode storage) {
        try (Image image = created.in(List.of(storage)).openToRead("")) {
            return TestBytes.readArray(image, 0, (int) image.length());
        }
    }

    /** Leaves in a folder what a crash leaves in which the file loses nothing. */
    private static byte[] crash(TestImage created, Path folder, long seed) {
        TestImage work = created.copy();
        try (Session session = Session.of(work, work.model())) {
            session.run(
                    Workload.random(new Random(seed), created.spec(), Workload.Extras.NONE, 30));
            session.run(new Op.Write(0, 3000, seed, true));
            session.flush(); // What waits in memory is in no file.
            work.copy().export(folder);
            Image image = session.image();
            return TestBytes.readArray(image, 0, (int) image.length());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k size=400k journal",
                "v3 cluster=64k size=2000k journal",
                "v3 cluster=512 size=200k journal=4k rc=64",
                "v3 cluster=16k size=400k ext journal"
            })
    void aCleanImageIsCleanBeforeAndAfterQemuWrote(String text) throws IOException {
        ImageSpec spec = ImageSpec.of(text);
        TestImage created = TestImage.create(spec, new Random(0));
        Path folder = ImageZoo.workshop("journal-clean");
        created.export(folder);
        byte[] enabled = extension(folder);
        assertEquals(32, enabled.length);
        for (int round = 0; round < 4; round++) {
            byte[] disk = work(created, folder, ImageZoo.SEED + round);
            assertEquals(0, autoclear(folder));
            assertFalse(isDirty(folder));
            Qemu.assertClean(folder);
            Qemu.assertReads(folder, disk);
            Peer.qemuIo(
                    folder.resolve(TestImage.FILE),
                    "qcow2",
                    List.of("write -P 7 1k 60k", "discard 64k 64k", "write -P 9 130k 3k"));
            Qemu.assertClean(folder);
            assertTrue(extension(folder).length == 32, "QEMU keeps what it does not know");
        }
        Peers.qemuImgIn(folder, "amend", "-f", "qcow2", "-o", "lazy_refcounts=on", TestImage.FILE)
                .ok();
        Peers.qemuImgIn(folder, "rebase", "-u", "-f", "qcow2", "-b", "", TestImage.FILE).ok();
        assertEquals(32, extension(folder).length);
        byte[] disk = work(created, folder, ImageZoo.SEED + 9);
        Qemu.assertClean(folder);
        Qemu.assertReads(folder, disk);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k size=400k journal",
                "v3 cluster=512 size=200k journal=4k rc=64",
                "v3 cluster=16k size=400k ext journal lazy"
            })
    void qemuRepairsACrashedImageAndTheJournalIsStaleThen(String text) throws IOException {
        ImageSpec spec = ImageSpec.of(text);
        TestImage created = TestImage.create(spec, new Random(0));
        for (int round = 0; round < 6; round++) {
            Path folder = ImageZoo.workshop("journal-crash");
            byte[] disk = crash(created, folder, ImageZoo.SEED + round);
            assertTrue(isDirty(folder));
            boolean valid = autoclear(folder) == JOURNAL_VALID;
            assertTrue(valid || spec.journalBytes() > 0, "it is in force");
            Qemu.assertReads(folder, disk); // It only reads: all stays.
            assertEquals(valid, autoclear(folder) == JOURNAL_VALID);
            if (round % 2 == 0) {
                Path file = folder.resolve(TestImage.FILE);
                Peers.qemuIo(file, "qcow2", "write -P 7 5k 60k").ok(); // It says what it repairs.
                Arrays.fill(disk, 5 << 10, 65 << 10, (byte) 7);
            } else {
                Qemu.repair(folder);
            }
            assertEquals(0, autoclear(folder), "QEMU clears what it does not know");
            assertFalse(isDirty(folder));
            Qemu.assertClean(folder);
            Qemu.assertReads(folder, disk);
            byte[] then = work(created, folder, ImageZoo.SEED + round);
            Qemu.assertClean(folder);
            Qemu.assertReads(folder, then);
        }
    }

    /** QEMU wrote, and died, too: its own dirty bit says nothing about our journal. */
    @Test
    void aJournalFromBeforeQemuDiedIsNotReplayed() throws IOException {
        ImageSpec spec = ImageSpec.of("v3 cluster=4k size=400k journal lazy");
        TestImage created = TestImage.create(spec, new Random(0));
        for (int round = 0; round < 5; round++) {
            Path folder = ImageZoo.workshop("journal-both");
            byte[] disk = crash(created, folder, ImageZoo.SEED + round);
            Peer.qemuIoThenDie(
                    folder.resolve(TestImage.FILE),
                    List.of("discard 0 200k", "write -P 7 100k 200k", "flush"));
            assertTrue(isDirty(folder), "QEMU died");
            assertEquals(0, autoclear(folder));
            assertTrue(extension(folder)[15] != 0 || extension(folder)[14] != 0, "a place");
            Arrays.fill(disk, 0, 200 << 10, (byte) 0);
            Arrays.fill(disk, 100 << 10, 300 << 10, (byte) 7);
            try (StorageNode storage = open(folder);
                    Image image = created.in(List.of(storage)).open()) {
                image.write(0, MemorySegment.ofArray(new byte[] {5}), Durability.STABLE);
                disk[0] = 5;
                assertArrayEquals(disk, TestBytes.readArray(image, 0, disk.length));
            }
            Qemu.assertClean(folder);
            Qemu.assertReads(folder, disk);
        }
    }

    /** Gaur replays; QEMU finds the result without an error and without a leak. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k size=400k journal",
                "v3 cluster=512 size=300k journal=8k rc=64",
                "v3 cluster=1k size=300k journal rc=1",
                "v3 cluster=16k size=400k ext journal",
                "v3 cluster=64k size=3000k journal"
            })
    void whatIsReplayedIsSoundToQemu(String text) throws IOException {
        ImageSpec spec = ImageSpec.of(text);
        TestImage created = TestImage.create(spec, new Random(0));
        for (int round = 0; round < 5; round++) {
            Path folder = ImageZoo.workshop("journal-replay");
            byte[] disk = crash(created, folder, ImageZoo.SEED + round);
            try (StorageNode storage = open(folder);
                    Image image = created.in(List.of(storage)).open()) {
                image.write(0, MemorySegment.ofArray(new byte[] {5}), Durability.STABLE);
                disk[0] = 5;
                ImageInfo.Qcow2 details = (ImageInfo.Qcow2) image.info().details();
                assertTrue(details.journal());
            }
            Qemu.assertClean(folder);
            Qemu.assertReads(folder, disk);
        }
    }

    @Test
    void theExtensionIsTheFirst() throws IOException {
        Path folder = ImageZoo.workshop("journal-first");
        TestImage.create(ImageSpec.of("v3 size=1024k journal"), new Random(0)).export(folder);
        ByteBuffer bytes = header(folder);
        assertEquals(GAUR, bytes.getInt(EXTENSION_AT));
        assertTrue(EXTENSION_AT + EXTENSION_BYTES <= 512, "one sector has it and its bit");
    }
}
