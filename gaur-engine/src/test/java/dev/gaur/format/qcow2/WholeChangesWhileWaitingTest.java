package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.format.Amendment;
import dev.gaur.format.CheckListener;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FullDisk;
import dev.gaur.testkit.TestBytes;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * All that changes the whole image, while writes wait in the data cache and counts in the journal:
 * nothing of them is lost, on a full disk neither, and a crash right after it is repaired.
 */
class WholeChangesWhileWaitingTest {
    private static final long AUTO = FormatOptions.AUTO;
    private static final int ENOSPC = 28;

    /** What is done. */
    private enum Change {
        TAKE(disk -> disk.takeSnapshot("two")),
        APPLY(disk -> disk.image.snapshots().orElseThrow().apply("one")),
        DELETE(disk -> disk.image.snapshots().orElseThrow().delete("1")),
        GROW(disk -> resize(disk, SIZE + 5 * CLUSTER)),
        SHRINK(disk -> resize(disk, SIZE - 5 * CLUSTER)),
        LAZY(disk -> amend(disk, Amendment.NONE.withLazyRefcounts(true))),
        JOURNAL(disk -> amend(disk, Amendment.NONE.withJournal(true))),
        NO_JOURNAL(disk -> amend(disk, Amendment.NONE.withJournal(false))),
        WIDTH(disk -> amend(disk, Amendment.NONE.withRefcountBits(64))),
        BACKING(disk -> disk.image.rebasing().orElseThrow().setBacking("base", "raw")),
        CHECK(disk -> disk.image.checker().orElseThrow().check(CheckListener.NONE)),
        BITMAP(disk -> disk.image.bitmaps().orElseThrow().add("bitmap", CLUSTER, true)),
        EMPTY(disk -> disk.image.emptying().orElseThrow().makeEmpty());

        private final Consumer<CowDisk> work;

        Change(Consumer<CowDisk> work) {
            this.work = work;
        }

        private static void resize(CowDisk disk, long length) {
            disk.image.resizing().orElseThrow().resize(length, Preallocation.OFF);
        }

        private static void amend(CowDisk disk, Amendment amendment) {
            disk.image.amending().orElseThrow().amend(amendment);
        }
    }

    private static CowDisk disk(boolean journal, boolean snapshot) {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withJournal(journal);
        CowDisk disk = new CowDisk(options, AUTO);
        for (int i = 0; i < 20; i += 2) {
            disk.write(i * CLUSTER, CLUSTER);
        }
        if (snapshot) {
            disk.takeSnapshot("one");
        }
        return disk;
    }

    /** Lets writes wait, and frees what the journal and the next commit have to know. */
    private static void fill(CowDisk disk) {
        disk.image.discard(4 * CLUSTER, CLUSTER);
        Arrays.fill(disk.model, 4 * CLUSTER, 5 * CLUSTER, (byte) 0);
        disk.write(7 * CLUSTER, CLUSTER);
        for (int i = 0; i < 20; i += 3) {
            disk.write(i * CLUSTER + 100, PIECE);
        }
    }

    private static boolean changesContent(Change change) {
        return change == Change.APPLY || change == Change.EMPTY;
    }

    /** The disk as it is now, as long as the one it is compared with. */
    private static byte[] read(CowDisk disk) {
        return TestBytes.readArray(disk.image, 0, (int) Math.min(SIZE, disk.image.length()));
    }

    private static byte[] wanted(CowDisk disk, byte[] then) {
        return Arrays.copyOf(then, (int) Math.min(SIZE, disk.image.length()));
    }

    /** The power fails after a flush. */
    private static void assertSurvives(CowDisk disk, byte[] wanted) {
        MemoryStorage left = Kinds.copy(disk.file);
        Repair.onOpen(left, HeaderCodec.read(left));
        List<?> findings = Kinds.findings(left);
        assertTrue(
                findings.stream().allMatch(each -> each.toString().startsWith("Leaked")),
                findings::toString);
        KeepOpen storage = new KeepOpen(left, false);
        try (Image image = Qcow2Format.INSTANCE.open(storage, FormatOptions.DEFAULT, disk)) {
            assertArrayEquals(wanted, TestBytes.readArray(image, 0, wanted.length));
        }
    }

    @ParameterizedTest
    @EnumSource(Change.class)
    void nothingIsLost(Change change) {
        for (boolean journal : new boolean[] {false, true}) {
            CowDisk disk = disk(journal, change != Change.EMPTY);
            fill(disk);
            assertTrue(disk.held() > 0);
            change.work.accept(disk);
            assertEquals(0, disk.held());
            if (changesContent(change)) {
                byte[] now = read(disk);
                System.arraycopy(now, 0, disk.model, 0, SIZE);
            }
            assertArrayEquals(wanted(disk, disk.model), read(disk));
            fill(disk);
            disk.image.flush();
            assertArrayEquals(wanted(disk, disk.model), read(disk));
            assertSurvives(disk, wanted(disk, disk.model));
            byte[] last = wanted(disk, disk.model);
            disk.image.close();
            assertEquals(List.of(), Kinds.findings(disk.file));
            assertSurvives(disk, last);
        }
    }

    @ParameterizedTest
    @EnumSource(Change.class)
    void onAFullDiskItWaitsOnAndEachFlushSaysSo(Change change) {
        for (boolean journal : new boolean[] {false, true}) {
            CowDisk disk = disk(journal, change != Change.EMPTY);
            FullDisk full = new FullDisk(disk.file);
            disk.reopen(full, AUTO);
            for (int i = 1; i < 20; i += 2) {
                disk.write(i * CLUSTER + 100, PIECE);
            }
            assertEquals(ENOSPC, errno(() -> change.work.accept(disk)));
            assertEquals(ENOSPC, errno(disk.image::flush));
            assertEquals(ENOSPC, errno(disk.image::flush));
            disk.assertReads();
            full.grow(8L << 20);
            disk.image.flush();
            disk.assertReads();
            assertSurvives(disk, disk.model);
            disk.reopen(new FullDisk(disk.file), AUTO);
            byte[] before = disk.model.clone();
            for (int i = 21; i < 60; i++) {
                disk.write(i * CLUSTER + 100, PIECE);
            }
            assertEquals(ENOSPC, errno(disk.image::close)); // It says that some is lost.
            assertOldOrNew(disk, before);
        }
    }

    private static void assertOldOrNew(CowDisk disk, byte[] before) {
        assertEquals(List.of(), Kinds.findings(disk.file));
        KeepOpen left = new KeepOpen(disk.file, false);
        try (Image image = Qcow2Format.INSTANCE.open(left, FormatOptions.DEFAULT, disk)) {
            for (int at = 0; at < SIZE; at += CLUSTER) {
                byte[] found = TestBytes.readArray(image, at, CLUSTER);
                byte[] old = Arrays.copyOfRange(before, at, at + CLUSTER);
                if (!Arrays.equals(old, found)) {
                    byte[] now = Arrays.copyOfRange(disk.model, at, at + CLUSTER);
                    assertArrayEquals(now, found, "at " + at);
                }
            }
        }
    }

    private static int errno(Runnable request) {
        return assertThrows(BlockException.Media.class, request::run).errno();
    }
}
