package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A bitmap never claims less than what was written (Q13), whatever fails or crashes when: what is
 * copied by it onto the disk as it was gives the disk as it is.
 */
class BitmapSafetyTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final int SIZE = 400_384;

    /** A kind of image. */
    private record Kind(String name, Qcow2CreateOptions options) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Kind> kinds() {
        Qcow2CreateOptions plain = Qcow2CreateOptions.ofSize(SIZE);
        return List.of(
                new Kind("512", plain.withClusterSize(512)),
                new Kind("4k", plain.withClusterSize(4096)),
                new Kind("64k", plain),
                new Kind("bits1", plain.withClusterSize(4096).withRefcountBits(1)),
                new Kind("lazy", plain.withClusterSize(4096).withLazyRefcounts(true)),
                new Kind("extended", plain.withClusterSize(16384).withExtendedL2(true)));
    }

    // ---- what an image had when its bitmaps were empty

    /** A file with data, and bitmaps that know nothing of it yet. */
    private record Start(MemoryStorage file, byte[] content) {}

    private static Start start(Kind kind, Random random) {
        MemoryStorage file = BitmapDisk.create(kind.options());
        byte[] content = TestBytes.patchy(random, SIZE / 2);
        BitmapDisk.change(
                file,
                image -> {
                    image.write(0, MemorySegment.ofArray(content), Durability.CACHED);
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    bitmaps.add("fine", 512, true);
                    bitmaps.add("off", 512, false);
                    bitmaps.add("coarse", 65536, true);
                });
        return new Start(file, BitmapDisk.content(file));
    }

    private static void request(Image image, Random random) {
        int offset = random.nextInt(SIZE);
        int length = random.nextInt(SIZE - offset + 1) >>> random.nextInt(12);
        Durability durability = random.nextInt(8) == 0 ? Durability.STABLE : Durability.CACHED;
        switch (random.nextInt(8)) {
            case 0 -> image.zero(offset, length, ZeroMode.KEEP, durability);
            case 1 -> image.zero(offset, length, ZeroMode.UNMAP, durability);
            case 2 -> image.discard(offset, length);
            case 3 -> image.flush();
            case 4 -> compress(image, offset, random);
            default -> {
                byte[] bytes = TestBytes.patchy(random, length);
                image.write(offset, MemorySegment.ofArray(bytes), durability);
            }
        }
    }

    private static void compress(Image image, int offset, Random random) {
        int unit = image.compressing().orElseThrow().unit();
        int from = offset / unit * unit;
        byte[] bytes = new byte[Math.min(unit, SIZE - from)];
        bytes[0] = (byte) random.nextInt();
        image.compressing().orElseThrow().writeCompressed(from, MemorySegment.ofArray(bytes));
    }

    // ---- what is to hold

    /** Copies what a bitmap says onto the old content: it must be all that changed. */
    private static void assertCovers(
            Start start, byte[] now, DirtyBitmap bits, String name, String message) {
        byte[] restored = start.content().clone();
        for (long bit = bits.nextBit(true, 0), end; bit < bits.bits(); ) {
            end = bits.nextBit(false, bit);
            int from = (int) (bit * bits.granularity());
            int to = (int) Math.min(SIZE, end * bits.granularity());
            System.arraycopy(now, from, restored, from, to - from);
            bit = bits.nextBit(true, end);
        }
        assertArrayEquals(now, restored, "bitmap " + name + ", " + message);
    }

    /** Whatever is left, what it claims is true, and it can be used. */
    private static void assertHonest(Start start, StorageNode left, String message) {
        if (!HeaderCodec.read(left).has(Header.DIRTY)) { // Else counts may be stale.
            BitmapDisk.assertSound(left, message);
        }
        try (Image image = BitmapDisk.open(left, false)) {
            byte[] now = TestBytes.read(image, 0, SIZE);
            assertEquals(List.of(), damages(image), message);
            Bitmaps bitmaps = BitmapDisk.bitmaps(image);
            for (BitmapInfo each : bitmaps.list()) {
                if (!each.inUse() && each.auto()) {
                    DirtyBitmap bits = bitmaps.copyOf(each.name());
                    assertCovers(start, now, bits, each.name(), message);
                }
            }
        }
    }

    private static List<String> damages(Image image) {
        return image.info().warnings().stream().filter(each -> !each.contains("all are")).toList();
    }

    // ---- tests

    @ParameterizedTest
    @MethodSource("kinds")
    void incrementalRestoredIsFullAfterAnyRequests(Kind kind) {
        Random random = new Random(SEED);
        for (int round = 0; round < 10; round++) {
            String message = kind + " seed " + SEED + " round " + round;
            Start start = start(kind, random);
            for (int opening = 0; opening < 3; opening++) {
                BitmapDisk.change(
                        start.file(),
                        image -> {
                            for (int i = random.nextInt(8); i >= 0; i--) {
                                request(image, random);
                            }
                        });
                assertEquals(3, BitmapDisk.list(start.file()).size(), message);
                assertTrue(
                        BitmapDisk.list(start.file()).stream().noneMatch(BitmapInfo::inUse),
                        message);
                assertHonest(start, start.file(), message);
                BitmapDisk.assertClean(start.file(), message);
            }
        }
    }

    /** Opens, makes some requests, changes bitmaps, closes. */
    private static void session(StorageNode file, Random random) {
        try (Image image = BitmapDisk.open(file, true)) {
            request(image, random);
            Bitmaps bitmaps = BitmapDisk.bitmaps(image);
            switch (random.nextInt(6)) {
                case 0 -> bitmaps.remove("off");
                case 1 -> bitmaps.merge("off", bitmaps.copyOf("coarse"));
                case 2 -> bitmaps.add("more", 4096, false);
                case 3 -> bitmaps.merge("coarse", bitmaps.copyOf("fine"));
                case 4 -> bitmaps.clear("off");
                default -> bitmaps.enable("off", false);
            }
            request(image, random);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aCrashLeavesNoBitmapThatClaimsLess(Kind kind) {
        Random random = new Random(SEED);
        for (int round = 0; round < 6; round++) {
            Start start = start(kind, random);
            BitmapCrashes file = new BitmapCrashes(start.file());
            session(file, random);
            for (int point = 0; point <= file.size(); point++) {
                for (int chance : new int[] {0, 30, 70, 100}) {
                    String message =
                            "%s seed %d round %d crash %d of %d, %d percent"
                                    .formatted(kind, SEED, round, point, file.size(), chance);
                    MemoryStorage left = file.crashBefore(point, chance, random);
                    assertHonest(start, left, message);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aFailureLeavesNoBitmapThatClaimsLess(Kind kind) {
        Random random = new Random(SEED);
        Start start = start(kind, random);
        long seed = random.nextLong();
        boolean failed = true;
        for (int changes = 0; failed; changes++) {
            MemoryStorage left = BitmapDisk.copy(start.file());
            FailingStorage failing = new FailingStorage(left, changes);
            try {
                session(failing, new Random(seed));
            } catch (BlockException _) {
                failed = failing.hasFailed();
            }
            failed = failing.hasFailed();
            assertHonest(start, left, kind + " seed " + SEED + " change " + changes);
        }
    }

    @Test
    void aDiskThatIsFullKeepsTheDataAndSaysThatBitmapsAreLost() {
        Start start = start(kinds().get(1), new Random(SEED));
        BitmapCrashes file = new BitmapCrashes(start.file());
        file.setFull();
        Image image = BitmapDisk.open(file, true);
        image.zero(0, SIZE, ZeroMode.KEEP, Durability.CACHED);
        BitmapDisk.bitmaps(image).merge("off", all());
        for (int i = 0; i < 400; i++) { // More than what is free within the file.
            BitmapDisk.bitmaps(image).add("new " + i, 512, false);
        }
        assertThrows(BlockException.Media.class, image::close);
        BitmapDisk.assertClean(file, "");
        assertTrue(BitmapDisk.list(file).stream().allMatch(BitmapInfo::inUse));
        assertArrayEquals(new byte[SIZE], BitmapDisk.content(file));
    }

    private static DirtyBitmap all() {
        DirtyBitmap bits = new DirtyBitmap(SIZE, 512);
        bits.set(0, SIZE);
        return bits;
    }
}
