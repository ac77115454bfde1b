package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What changes a whole image leaves one with a flaw as it is, rather than making it worse. */
class FlawedImagesTest {
    private static final int CLUSTER = TinyImage.CLUSTER;

    /** Of the guest's second cluster: behind free ones, which are taken first. */
    private static final int FAR = 20;

    private static final ReferenceOpener NOTHING =
            new ReferenceOpener() {
                @Override
                public BlockNode backing(Reference reference) {
                    throw new AssertionError(reference.toString());
                }

                @Override
                public StorageNode dataFile(Reference reference) {
                    throw new AssertionError(reference.toString());
                }
            };

    private static Image open(StorageNode storage, String snapshot) {
        return Qcow2Format.INSTANCE.open(
                new KeepOpen(storage, snapshot.isEmpty()),
                new FormatOptions(snapshot, FormatOptions.AUTO),
                NOTHING);
    }

    private static void create(Snapshots snapshots) {
        snapshots.create(new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty()));
    }

    private static TinyImage image() {
        TinyImage image = new TinyImage().resize((FAR + 1) * CLUSTER);
        image.count(TinyImage.DATA / CLUSTER + 1, 0).count(FAR, 1);
        return image.entry(1, FAR * CLUSTER | L2Entry.COPIED);
    }

    private static MemoryStorage withSnapshot() {
        MemoryStorage storage = image().storage();
        try (Image image = open(storage, "")) {
            create(image.snapshots().orElseThrow());
        }
        return storage;
    }

    private static void zero(StorageNode storage, long offset, int count) {
        storage.write(offset, MemorySegment.ofArray(new byte[count]), Durability.STABLE);
    }

    private static void assertRefused(
            String expected, MemoryStorage storage, Consumer<Snapshots> change) {
        byte[] before = TestBytes.read(storage, 0, TinyImage.DATA + CLUSTER);
        List<String> findings = Kinds.findings(storage);
        try (Image image = open(storage, "")) {
            Snapshots snapshots = image.snapshots().orElseThrow();
            var error = assertThrows(BlockException.Corrupt.class, () -> change.accept(snapshots));
            assertTrue(error.getMessage().contains(expected), error.getMessage());
            image.write(0, MemorySegment.ofArray(new byte[0]), Durability.CACHED); // Not FAILED.
        }
        assertArrayEquals(before, TestBytes.read(storage, 0, TinyImage.DATA + CLUSTER));
        assertEquals(findings, Kinds.findings(storage));
    }

    @Test
    void noSnapshotHasAClusterThatIsCountedAsFree() {
        MemoryStorage storage = image().count(FAR, 0).storage();
        assertRefused("counted as free", storage, FlawedImagesTest::create);
    }

    @Test
    void noSnapshotHasAClusterThatIsNotCountedAtAll() {
        long behind = (long) CLUSTER * CLUSTER * CLUSTER; // Its refcount block does not exist.
        MemoryStorage storage = image().entry(1, behind | L2Entry.COPIED).storage();
        assertRefused("counted as free", storage, FlawedImagesTest::create);
    }

    @Test
    void aSnapshotWithAClusterThatIsCountedAsFreeIsNotApplied() {
        MemoryStorage storage = withSnapshot();
        zero(storage, TinyImage.BLOCK + 2 * FAR, 2);
        assertRefused("counted as free", storage, snapshots -> snapshots.apply("1"));
    }

    @Test
    void theHeaderIsNotTakenForTheTableOfASnapshot() {
        MemoryStorage storage = withSnapshot();
        zero(storage, HeaderCodec.read(storage).snapshotsOffset(), Long.BYTES);
        String expected = "is where the header is";
        assertRefused(expected, storage, snapshots -> snapshots.apply("1"));
        assertRefused(expected, storage, snapshots -> snapshots.delete("1"));
        assertThrows(BlockException.Corrupt.class, () -> open(storage, "1"));
        try (Image image = open(storage, "")) {
            assertEquals(1, image.info().snapshots().size());
        }
    }
}
