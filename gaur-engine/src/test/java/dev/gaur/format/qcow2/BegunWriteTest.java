package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BegunDisk;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Writes under way: which are begun at all, and who changes the image meanwhile (Q3). */
@Timeout(60)
class BegunWriteTest {
    private static final int SIZE = 1 << 20;
    private static final int CLUSTER = 1 << 16;
    private static final int PART = 4096;

    private final Kinds.Kind kind = Kinds.of(SIZE).getFirst();
    private final MemoryStorage file = kind.create();
    private final byte[] model = new byte[SIZE];
    private final Arena arena = Arena.ofShared();
    private final Random random = new Random(3);
    private BegunFile begunFile = new BegunFile(file);
    private Image image = open(FormatOptions.DEFAULT);

    /** A file that begins writes. */
    private static class BegunFile extends StorageWrapper {
        private final BegunDisk disk;

        BegunFile(MemoryStorage below) {
            super(below);
            disk = new BegunDisk(below, () -> false, _ -> false);
        }

        @Override
        public boolean writable() {
            return true;
        }

        @Override
        public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
            return disk.beginWrite(offset, source);
        }
    }

    private Image open(FormatOptions options) {
        return Qcow2Format.INSTANCE.open(begunFile, options, kind);
    }

    @AfterEach
    void allIsThere() {
        assertArrayEquals(model, TestBytes.readArray(image, 0, SIZE));
        image.close();
        assertEquals(List.of(), Kinds.findings(file));
        assertEquals(begunFile.disk.begun(), begunFile.disk.finished());
        arena.close();
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private void write(int offset, int count) {
        byte[] bytes = bytes(count);
        image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
        System.arraycopy(bytes, 0, model, offset, count);
    }

    /** Fills some clusters, which have places then. */
    private void fill() {
        write(0, 4 * CLUSTER);
        image.flush();
    }

    private @Nullable PendingRequest tryBegin(int offset, int count) {
        byte[] bytes = bytes(count);
        MemorySegment source = arena.allocate(count, PART);
        PendingRequest begun =
                image.beginWrite(offset, source.copyFrom(MemorySegment.ofArray(bytes)));
        if (begun != null) {
            System.arraycopy(bytes, 0, model, offset, count);
        }
        return begun;
    }

    private PendingRequest begin(int offset, int count) {
        return Objects.requireNonNull(tryBegin(offset, count));
    }

    private void takeSnapshot() {
        image.snapshots()
                .orElseThrow()
                .create(new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty()));
    }

    @Test
    void whatHasAPlaceIsOverwritten() {
        fill();
        List<PendingRequest> all =
                List.of(
                        begin(0, PART),
                        begin(3 * PART, CLUSTER),
                        begin(3 * CLUSTER, CLUSTER),
                        begin(2 * CLUSTER + 100, 3));
        all.reversed().forEach(PendingRequest::finish);
        assertArrayEquals(model, TestBytes.readArray(image, 0, SIZE));
    }

    @Test
    void whatHasNoneOrWaitsIsNotBegun() {
        assertNull(tryBegin(0, PART), "nothing was written yet");
        fill();
        assertNull(tryBegin(4 * CLUSTER, PART), "unallocated");
        assertNull(tryBegin(4 * CLUSTER - PART, 2 * PART), "in part");
        write(4 * CLUSTER, PART);
        assertNull(tryBegin(4 * CLUSTER, PART), "waits in memory");
        assertNull(tryBegin(4 * CLUSTER + PART, PART), "others of the cluster do");
        image.flush();
        image.zero(CLUSTER, CLUSTER, ZeroMode.KEEP, Durability.CACHED);
        Arrays.fill(model, CLUSTER, 2 * CLUSTER, (byte) 0);
        assertNull(tryBegin(CLUSTER, PART), "zeros");
        takeSnapshot();
        assertNull(tryBegin(0, PART), "shared with a snapshot");
        image.snapshots().orElseThrow().delete("1");
        assertNull(tryBegin(0, PART), "nothing was written since");
        write(0, PART);
        begin(0, PART).finish();
    }

    @Test
    void piecesThatLieApartAreNotBegun() {
        write(CLUSTER, CLUSTER);
        image.flush();
        write(0, CLUSTER);
        image.flush();
        assertNull(tryBegin(CLUSTER - PART, 2 * PART));
        begin(CLUSTER - PART, PART).finish();
    }

    private static Thread start(Runnable work) {
        Thread thread = Thread.ofPlatform().daemon().start(work);
        while (thread.isAlive() && thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return thread;
    }

    @Test
    void whoChangesTheWholeImageWaitsAndOthersAreRefusedMeanwhile() throws Exception {
        fill();
        PendingRequest write = begin(0, PART);
        byte[] then = model.clone();
        Thread snapshot = start(this::takeSnapshot);
        assertTrue(snapshot.isAlive(), "what is begun belongs to the snapshot");
        assertNull(tryBegin(CLUSTER, PART), "would wait for who waits for us");
        write.finish();
        snapshot.join();
        write(0, PART);
        image.flush();
        try (Image old = kind.open(file, "s")) {
            assertArrayEquals(then, TestBytes.readArray(old, 0, SIZE));
        }
    }

    @Test
    void closingWaits() throws Exception {
        fill();
        PendingRequest write = begin(0, PART);
        Thread closing = start(image::close);
        assertTrue(closing.isAlive());
        write.finish();
        closing.join();
        assertThrows(BlockException.Denied.class, () -> tryBegin(0, PART));
        image = open(FormatOptions.DEFAULT);
    }

    /** Where the write goes is not given to anybody before. */
    @Test
    void aClusterIsFreedOnlyAfterItsWrites() throws Exception {
        fill();
        PendingRequest write = begin(0, PART);
        image.discard(0, SIZE);
        Thread flush = start(image::flush);
        assertTrue(flush.isAlive());
        write.finish();
        flush.join();
        Arrays.fill(model, (byte) 0);
    }

    @Test
    void bitmapsAreMarkedBeforeAnybodySeesTheBytes() {
        fill();
        Bitmaps bitmaps = image.bitmaps().orElseThrow();
        bitmaps.add("b", PART, true);
        write(0, PART);
        DirtyBitmap marked = bitmaps.contentOf("b");
        assertEquals(1, marked.count());
        PendingRequest write = begin(2 * CLUSTER, PART);
        assertEquals(2, marked.count());
        write.finish();
    }

    /** Where a part of a cluster could not be written the others wait on, in the file or not. */
    @Test
    void whatWaitsIsNotOverwrittenBelow() {
        Kinds.Kind extended = Kinds.of(SIZE).getLast(); // Over a backing file.
        MemoryStorage other = extended.create();
        AtomicInteger until = new AtomicInteger();
        BegunFile bad =
                new BegunFile(other) {
                    @Override
                    public void write(long offset, MemorySegment source, Durability durability) {
                        if (until.decrementAndGet() == 0) {
                            throw new BlockException.Media("image", "", offset, "made up", 5, null);
                        }
                        super.write(offset, source, durability);
                    }
                };
        try (Image opened = Qcow2Format.INSTANCE.open(bad, FormatOptions.DEFAULT, extended)) {
            opened.write(0, MemorySegment.ofArray(bytes(100)), Durability.CACHED);
            opened.write(10 * 512, MemorySegment.ofArray(bytes(100)), Durability.CACHED);
            until.set(2);
            assertThrows(BlockException.Media.class, opened::flush);
            byte[] newer = bytes(100);
            MemorySegment source = arena.allocate(100).copyFrom(MemorySegment.ofArray(newer));
            PendingRequest none = opened.beginWrite(0, source);
            if (none != null) {
                none.finish(); // Else closing would wait for it.
            }
            assertNull(none);
            opened.flush();
            Objects.requireNonNull(opened.beginWrite(0, source)).finish();
            assertArrayEquals(newer, TestBytes.readArray(opened, 0, 100));
        }
    }

    /** Who loads a table may wait for others, and may have no memory for it. */
    @Test
    void whatMemoryDoesNotTellIsNotBegun() {
        Kinds.Kind small = Kinds.of(SIZE).get(1); // With several tables.
        MemoryStorage other = small.create();
        AtomicBoolean scarce = new AtomicBoolean();
        BegunFile poor =
                new BegunFile(other) {
                    @Override
                    public void read(long offset, MemorySegment target) {
                        if (scarce.get()) {
                            throw new OutOfMemoryError("made up");
                        }
                        super.read(offset, target);
                    }
                };
        try (Image filled = small.open(other)) {
            filled.write(0, MemorySegment.ofArray(bytes(SIZE)), Durability.CACHED);
        }
        try (Image opened = Qcow2Format.INSTANCE.open(poor, FormatOptions.DEFAULT, small)) {
            MemorySegment source = arena.allocate(PART, PART);
            opened.write(0, source, Durability.CACHED);
            scarce.set(true);
            assertNull(opened.beginWrite(SIZE / 2, source));
            scarce.set(false);
            opened.read(SIZE / 2, arena.allocate(PART, PART));
            Objects.requireNonNull(opened.beginWrite(SIZE / 2, source)).finish();
        }
    }

    private static final int L1_AT = 40;

    private long u64(long at) {
        return ByteBuffer.wrap(TestBytes.read(file, at, Long.BYTES)).getLong();
    }

    private void put(long at, long word) {
        byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(word).array();
        file.write(at, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    /** Marking the image as damaged would wait for writes under way, perhaps this thread's. */
    @Test
    void metadataIsNotOverwrittenAndSomebodyElseSaysSo() {
        fill();
        image.close();
        long table = u64(L1_AT);
        long entry = L2Entry.hostOffset(u64(table)) + Long.BYTES;
        long right = u64(entry);
        put(entry, table | L2Entry.COPIED);
        image = open(FormatOptions.DEFAULT);
        write(0, PART);
        MemorySegment source = arena.allocate(PART, PART);
        assertNull(image.beginWrite(CLUSTER, source));
        begin(0, PART).finish();
        image.close();
        put(entry, right);
        image = open(FormatOptions.DEFAULT);
    }

    @Test
    void aFileThatIsWatchedIsToldOfEachWrite() {
        fill();
        image.close();
        begunFile =
                new BegunFile(file) {
                    @Override
                    public boolean isWatched() {
                        return true;
                    }
                };
        image = open(FormatOptions.DEFAULT);
        write(0, PART);
        assertNull(tryBegin(0, PART));
    }
}
