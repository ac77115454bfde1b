package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Amendment;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.TestBytes;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Changes of what an image is: everything reads as before, whatever fails. */
class Qcow2AmendTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261125L);
    private static final int SIZE = 600_064;

    static List<Kind> kinds() {
        return Kinds.of(SIZE);
    }

    /** An image with data, zero clusters of both sorts, and two snapshots that share some. */
    private static final class Sample {
        final Kind kind;
        final MemoryStorage storage;
        final byte[] disk;
        final Map<String, byte[]> saved = new LinkedHashMap<>();

        Sample(Kind kind) {
            this.kind = kind;
            this.storage = kind.create();
            this.disk = kind.content();
            Random random = new Random(SEED);
            try (Image image = kind.open(storage)) {
                for (int i = 0; i < 2; i++) {
                    scribble(image, random);
                    var wish =
                            new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
                    String id = image.snapshots().orElseThrow().create(wish).id();
                    saved.put(id, disk.clone());
                }
                scribble(image, random);
            }
        }

        void snapshot(Image image) {
            var wish = new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
            saved.put(image.snapshots().orElseThrow().create(wish).id(), disk.clone());
        }

        private void scribble(Image image, Random random) {
            for (int i = 0; i < 4; i++) {
                Kinds.write(image, disk, random);
                int from = random.nextInt(SIZE);
                int length = random.nextInt(SIZE - from);
                ZeroMode mode = i % 2 == 0 ? ZeroMode.KEEP : ZeroMode.UNMAP;
                image.zero(from, length, mode, Durability.CACHED);
                Arrays.fill(disk, from, from + length, (byte) 0);
            }
        }

        void assertSame(MemoryStorage now, String when) {
            try (Image image = kind.open(now)) {
                assertArrayEquals(disk, TestBytes.read(image, 0, SIZE), when);
            }
            saved.forEach(
                    (id, content) -> {
                        try (Image image = kind.open(now, id)) {
                            assertArrayEquals(content, TestBytes.read(image, 0, SIZE), when);
                        }
                    });
        }
    }

    private static void amend(Image image, Amendment changes) {
        image.amending().orElseThrow().amend(changes);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void countsOfEveryWidth(Kind kind) {
        if (kind.options().version() == 2) {
            return; // Has one width only.
        }
        Sample sample = new Sample(kind);
        for (long bits : new long[] {64, 4, 32, 8, 2, 16, 2, 64}) {
            String when = bits + " bits, seed " + SEED;
            try (Image image = kind.open(sample.storage)) {
                amend(image, Amendment.NONE.withRefcountBits(bits));
                Kinds.write(image, sample.disk, new Random(bits));
            }
            assertEquals(bits, HeaderCodec.read(sample.storage).geometry().refcountBits());
            assertEquals(List.of(), Kinds.findings(sample.storage), when);
            sample.assertSame(sample.storage, when);
        }
        try (Image image = kind.open(sample.storage)) {
            sample.snapshot(image);
            assertThrows(
                    BlockException.Unsupported.class,
                    () -> amend(image, Amendment.NONE.withRefcountBits(1)));
        }
        assertEquals(List.of(), Kinds.findings(sample.storage), "refused");
        sample.assertSame(sample.storage, "refused");
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void downAndUp(Kind kind) {
        Sample sample = new Sample(kind);
        MemoryStorage storage = sample.storage;
        try (Image image = kind.open(storage)) {
            if (kind.options().extendedL2()) {
                assertThrows(
                        BlockException.Unsupported.class,
                        () -> amend(image, Amendment.NONE.withVersion(2)));
                return;
            }
            Amendment down = Amendment.NONE.withVersion(2);
            amend(image, kind.options().version() == 2 ? down : down.withRefcountBits(16));
        }
        assertEquals(2, HeaderCodec.read(storage).version());
        assertEquals(List.of(), Kinds.findings(storage), "seed " + SEED);
        sample.assertSame(storage, "down, seed " + SEED);
        try (Image image = kind.open(storage)) {
            Kinds.write(image, sample.disk, new Random(SEED));
            amend(image, Amendment.NONE.withVersion(3).withLazyRefcounts(true));
            Kinds.write(image, sample.disk, new Random(SEED + 1));
        }
        Header header = HeaderCodec.read(storage);
        assertEquals(3, header.version());
        assertEquals(Header.LAZY_REFCOUNTS, header.compatible());
        assertEquals(List.of(), Kinds.findings(storage), "seed " + SEED);
        sample.assertSame(storage, "up, seed " + SEED);
    }

    @Test
    void sizeAndLazyCountsTogether() {
        Kind kind = kinds().getFirst();
        Sample sample = new Sample(kind);
        try (Image image = kind.open(sample.storage)) {
            amend(
                    image,
                    Amendment.NONE.withLazyRefcounts(true).withSize(2 * SIZE).withRefcountBits(8));
            assertEquals(2 * SIZE, image.length());
            byte[] now = TestBytes.read(image, 0, 2 * SIZE);
            assertArrayEquals(Arrays.copyOf(sample.disk, 2 * SIZE), now);
            assertThrows(
                    BlockException.Unsupported.class,
                    () -> amend(image, Amendment.NONE.withVersion(2).withRefcountBits(16)));
            amend(image, Amendment.NONE.withLazyRefcounts(false));
        }
        assertEquals(0, HeaderCodec.read(sample.storage).compatible());
        assertEquals(List.of(), Kinds.findings(sample.storage));
    }

    @Test
    void whatNoImageCanBeIsRefused() {
        Kind kind = kinds().getFirst();
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            for (Amendment wrong :
                    List.of(
                            Amendment.NONE.withRefcountBits(7),
                            Amendment.NONE.withRefcountBits(128),
                            Amendment.NONE.withVersion(2).withRefcountBits(8),
                            Amendment.NONE.withVersion(2).withLazyRefcounts(true),
                            Amendment.NONE.withSize(1000))) {
                assertThrows(IllegalArgumentException.class, () -> amend(image, wrong));
            }
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    static List<Kind> faultKinds() {
        return kinds().stream()
                .filter(kind -> kind.name().matches("(64k|4k|lazy) on (0|799744)"))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("faultKinds")
    void whateverFailsAllReadsAsBefore(Kind kind) {
        Sample sample = new Sample(kind);
        for (Amendment amendment :
                List.of(Amendment.NONE.withVersion(2), Amendment.NONE.withRefcountBits(64))) {
            boolean failed = true;
            // Every change would take too long: all at first, then steps that grow.
            for (int changes = 0; failed; changes += 1 + changes / 30) {
                String when = kind + ": " + amendment + " after " + changes;
                MemoryStorage storage = Kinds.copy(sample.storage);
                FailingStorage failing = new FailingStorage(storage, changes);
                Image image = kind.open(failing);
                try {
                    amend(image, amendment);
                } catch (BlockException expected) {
                    assertTrue(failing.hasFailed(), expected::toString);
                }
                failed = failing.hasFailed();
                if (!HeaderCodec.read(storage).has(Header.DIRTY)) {
                    assertEquals(List.of(), Kinds.damage(storage), when);
                }
                sample.assertSame(storage, when);
            }
        }
    }
}
