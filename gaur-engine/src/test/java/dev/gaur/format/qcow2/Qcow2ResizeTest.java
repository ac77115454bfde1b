package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
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
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Changes of the size: what is cut off is gone, what is new reads as zeros, snapshots stay. */
class Qcow2ResizeTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261125L);
    private static final int SIZE = 600_064;

    static List<Kind> kinds() {
        return Kinds.of(SIZE);
    }

    private static void resize(Image image, long size, Preallocation preallocation) {
        image.resizing().orElseThrow().resize(size, preallocation);
    }

    private static boolean canGrow(Kind kind, int from) {
        return kind.options().version() >= 3 || kind.backing() <= from;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsNewReadsAsZeros(Kind kind) {
        Random random = new Random(SEED);
        MemoryStorage storage = kind.create();
        byte[] disk = kind.content();
        Map<String, byte[]> saved = new LinkedHashMap<>();
        for (int round = 0; round < 3; round++) {
            try (Image image = kind.open(storage)) {
                for (int step = 0; step < 8; step++) {
                    disk = step(kind, image, disk, saved, random);
                    assertEquals(disk.length, image.length());
                }
                assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), "seed " + SEED);
            }
            assertEquals(List.of(), Kinds.findings(storage), "seed " + SEED);
            try (Image image = kind.open(storage)) {
                assertArrayEquals(disk, TestBytes.read(image, 0, disk.length), "seed " + SEED);
            }
        }
    }

    private static byte[] step(
            Kind kind, Image image, byte[] disk, Map<String, byte[]> saved, Random random) {
        boolean snapshots = kind.options().version() >= 3;
        switch (random.nextInt(6)) {
            case 0 -> {
                if (snapshots) {
                    saved.put(create(image), disk.clone());
                }
            }
            case 1 -> {
                if (!saved.isEmpty()) {
                    String id = saved.keySet().iterator().next();
                    image.snapshots().orElseThrow().apply(id);
                    return Objects.requireNonNull(saved.get(id)).clone();
                }
            }
            case 2, 3 -> {
                int size = random.nextInt(2 * SIZE) & -512;
                if (size > disk.length && !canGrow(kind, disk.length)) {
                    return disk;
                }
                Preallocation preallocation =
                        size > disk.length
                                ? Preallocation.values()[random.nextInt(4)]
                                : Preallocation.OFF;
                resize(image, size, preallocation);
                return Arrays.copyOf(disk, size);
            }
            default -> {
                if (disk.length > 0) {
                    Kinds.write(image, disk, random);
                }
            }
        }
        return disk;
    }

    private static String create(Image image) {
        var wish = new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        return image.snapshots().orElseThrow().create(wish).id();
    }

    @Test
    void version2RefusesWhatItCannotSay() {
        Kind longer = named("v2 on 799744");
        MemoryStorage storage = longer.create();
        try (Image image = longer.open(storage)) {
            assertThrows(
                    BlockException.Unsupported.class,
                    () -> resize(image, 2 * SIZE, Preallocation.OFF));
            create(image);
            assertThrows(
                    BlockException.Unsupported.class, () -> resize(image, 512, Preallocation.OFF));
            assertEquals(SIZE, image.length());
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    private static Kind named(String name) {
        return kinds().stream().filter(kind -> kind.name().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void theFileEndsBehindWhatIsUsed() {
        Kind kind = named("4k on 0");
        MemoryStorage storage = kind.create();
        byte[] disk = kind.content();
        try (Image image = kind.open(storage)) {
            resize(image, 40L * SIZE, Preallocation.METADATA);
            long grown = storage.length();
            assertTrue(grown > 39L * SIZE, "length " + grown);
            resize(image, SIZE, Preallocation.OFF);
        }
        assertTrue(storage.length() < SIZE / 4, "length " + storage.length());
        assertEquals(List.of(), Kinds.findings(storage));
        try (Image image = kind.open(storage)) {
            assertArrayEquals(disk, TestBytes.read(image, 0, SIZE));
        }
    }

    @Test
    void illegalSizesAreRefused() {
        Kind kind = named("512 on 0");
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            for (long size : new long[] {-512, 1000}) {
                assertThrows(
                        IllegalArgumentException.class,
                        () -> resize(image, size, Preallocation.OFF));
            }
            assertThrows(
                    IllegalArgumentException.class, () -> resize(image, 512, Preallocation.FULL));
            assertThrows(
                    BlockException.Media.class, () -> resize(image, 1L << 50, Preallocation.OFF));
        }
        assertEquals(List.of(), Kinds.findings(storage));
    }

    static List<Kind> faultKinds() {
        return kinds().stream()
                .filter(kind -> kind.name().matches("(64k|4k|v2|lazy|extended) on (0|799744)"))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("faultKinds")
    void whateverFailsTheDiskIsTheOldOrTheNewOne(Kind kind) {
        MemoryStorage before = kind.create();
        byte[] disk = kind.content();
        try (Image image = kind.open(before)) {
            for (int i = 0; i < 5; i++) {
                Kinds.write(image, disk, new Random(SEED + i));
            }
            if (kind.options().version() >= 3) {
                create(image);
            }
        }
        for (int size : new int[] {100_352, 1_200_128}) {
            if (size > SIZE && !canGrow(kind, SIZE)) {
                continue;
            }
            boolean failed = true;
            for (int changes = 0; failed; changes++) {
                String when = kind + ": to " + size + " after " + changes;
                MemoryStorage storage = Kinds.copy(before);
                FailingStorage failing = new FailingStorage(storage, changes);
                Image image = kind.open(failing);
                try {
                    resize(image, size, Preallocation.OFF);
                } catch (BlockException expected) {
                    assertTrue(failing.hasFailed(), expected::toString);
                }
                failed = failing.hasFailed();
                assertWhole(kind, storage, disk, size, when);
            }
        }
    }

    private static void assertWhole(
            Kind kind, MemoryStorage storage, byte[] disk, int size, String when) {
        if (!HeaderCodec.read(storage).has(Header.DIRTY)) {
            assertEquals(List.of(), Kinds.damage(storage), when);
        }
        try (Image image = kind.open(storage)) {
            int now = (int) image.length();
            assertTrue(now == SIZE || now == size, when);
            assertArrayEquals(Arrays.copyOf(disk, now), TestBytes.read(image, 0, now), when);
        }
    }
}
