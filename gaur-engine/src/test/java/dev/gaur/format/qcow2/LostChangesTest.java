package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CacheOptions;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What changed in memory reaches the file, however it leaves memory; and what it is there. */
class LostChangesTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final long AUTO = FormatOptions.AUTO;
    private static final int CLUSTER = 1 << 16;
    private static final int ENOSPC = 28;

    private static final Kind PLAIN = new Kind("plain", Qcow2CreateOptions.ofSize(16 << 20), 0);

    /** A refcount block has 64 counts: there are many. */
    private static final Kind MANY_BLOCKS =
            new Kind(
                    "many blocks",
                    Qcow2CreateOptions.ofSize(1 << 20).withClusterSize(512).withRefcountBits(64),
                    0);

    private static Image open(StorageNode storage, FormatOptions options) {
        return Qcow2Format.INSTANCE.open(new KeepOpen(storage, true), options, PLAIN);
    }

    private static byte[] bytes(int number, int length) {
        byte[] bytes = new byte[length];
        new Random(SEED + number).nextBytes(bytes);
        return bytes;
    }

    /** A sector of an L2 table holds 64 entries, a slice 8 sectors. */
    @ParameterizedTest
    @CsvSource({"0, 64", "64, 0", "63, 64", "0, 255", "200, 10"})
    void allChangesOfASliceAreWritten(int one, int other) {
        MemoryStorage storage = PLAIN.create();
        try (Image image = PLAIN.open(storage)) { // Else the table is new.
            image.write(100L * CLUSTER, MemorySegment.ofArray(bytes(0, 512)), Durability.STABLE);
        }
        try (Image image = PLAIN.open(storage)) {
            for (int cluster : new int[] {one, other}) {
                MemorySegment bytes = MemorySegment.ofArray(bytes(cluster, 512));
                image.write((long) cluster * CLUSTER, bytes, Durability.CACHED);
            }
            image.flush();
        }
        assertEquals(List.of(), Kinds.findings(storage));
        try (Image image = PLAIN.open(storage)) {
            for (int cluster : new int[] {one, other}) {
                byte[] found = TestBytes.read(image, (long) cluster * CLUSTER, 512);
                assertArrayEquals(bytes(cluster, 512), found, "cluster " + cluster);
            }
        }
    }

    /** A snapshot changes the counts of all clusters; only four blocks stay in memory. */
    @Test
    void refcountBlocksThatLeaveTheCacheAreWritten() {
        int size = 1 << 20;
        MemoryStorage storage = MANY_BLOCKS.create();
        try (Image image = MANY_BLOCKS.open(storage)) {
            image.write(0, MemorySegment.ofArray(bytes(0, size)), Durability.CACHED);
        }
        FormatOptions small =
                FormatOptions.DEFAULT.withCaches(new CacheOptions(AUTO, AUTO, 1, AUTO));
        SnapshotInfo wish = new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        try (Image image = open(storage, small)) {
            image.snapshots().orElseThrow().create(wish);
        }
        assertEquals(List.of(), Kinds.findings(storage), "higher counts");
        try (Image image = open(storage, small)) {
            image.snapshots().orElseThrow().delete("1");
        }
        assertEquals(List.of(), Kinds.findings(storage), "lower counts");
        try (Image image = open(storage, small)) {
            image.discard(0, size / 2);
            image.flush();
            byte[] rest = new byte[size / 2];
            System.arraycopy(bytes(0, size), size / 2, rest, 0, size / 2);
            assertArrayEquals(rest, TestBytes.read(image, size / 2, size / 2));
        }
        assertEquals(List.of(), Kinds.findings(storage), "no counts");
    }

    private static void assertDiscarded(DiscardOptions options, long entry, int count) {
        MemoryStorage storage = new TinyImage().storage();
        try (Image image = open(storage, FormatOptions.DEFAULT.withDiscard(options))) {
            image.discard(0, TinyImage.CLUSTER);
        }
        ByteBuffer found =
                ByteBuffer.wrap(TestBytes.read(storage, 0, TinyImage.L2 + TinyImage.CLUSTER));
        int counted = TinyImage.BLOCK + Short.BYTES * (TinyImage.DATA / TinyImage.CLUSTER);
        assertEquals(entry, found.getLong(TinyImage.L2));
        assertEquals(count, found.getShort(counted));
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void aDiscardedClusterIsFree() {
        assertDiscarded(DiscardOptions.DEFAULT, L2Entry.ZERO, 0);
    }

    @Test
    void aDiscardedClusterThatKeepsItsPlaceStaysCounted() {
        DiscardOptions noUnref = new DiscardOptions(true, true, true, false, true);
        assertDiscarded(noUnref, TinyImage.DATA | L2Entry.COPIED | L2Entry.ZERO, 1);
    }

    /** Finds the disk full once, when an L2 table is about to be written. */
    private static final class FullOnce extends StorageWrapper {
        private Optional<Runnable> meanwhile = Optional.empty();

        FullOnce(StorageNode real) {
            super(real);
        }

        @Override
        public void event(BlockEvent event) {
            super.event(event);
            Optional<Runnable> now = meanwhile;
            if (event == BlockEvent.L2_UPDATE && now.isPresent()) {
                meanwhile = Optional.empty();
                now.get().run();
                throw new BlockException.Media(name(), "write", 0, "full", ENOSPC, null);
            }
        }
    }

    @Test
    void whatCouldNotBeWrittenForWantOfSpaceIsFreedLater() {
        MemoryStorage storage = new TinyImage().storage();
        FullOnce full = new FullOnce(new KeepOpen(storage, true));
        try (Image image = open(full, FormatOptions.DEFAULT)) {
            image.discard(0, TinyImage.CLUSTER);
            full.meanwhile = Optional.of(() -> {});
            assertThrows(BlockException.Media.class, image::flush);
            image.flush();
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void whatChangedWhileTheDiskWasFullIsWrittenWithTheRest() {
        MemoryStorage storage = PLAIN.create();
        FullOnce full = new FullOnce(new KeepOpen(storage, true));
        try (Image image = PLAIN.open(full)) {
            MemorySegment first = MemorySegment.ofArray(bytes(0, 512));
            MemorySegment second = MemorySegment.ofArray(bytes(1, 512));
            image.write(0, first, Durability.CACHED);
            full.meanwhile =
                    Optional.of(() -> image.write(64L * CLUSTER, second, Durability.CACHED));
            assertThrows(BlockException.Media.class, image::flush);
            image.flush();
        }
        assertEquals(List.of(), Kinds.findings(storage));
        try (Image image = PLAIN.open(storage)) {
            assertArrayEquals(bytes(0, 512), TestBytes.read(image, 0, 512));
            assertArrayEquals(bytes(1, 512), TestBytes.read(image, 64L * CLUSTER, 512));
        }
    }
}
