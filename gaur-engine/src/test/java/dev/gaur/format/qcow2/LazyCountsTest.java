package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.format.Amendment;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether counts stay behind is the image's word, or that of who opens it, or of who amends it. */
class LazyCountsTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 64 * CLUSTER;

    private static MemoryStorage create(boolean lazy) {
        MemoryStorage storage = new MemoryStorage("image", 0);
        Qcow2CreateOptions options =
                Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER).withLazyRefcounts(lazy);
        ImageCreator.create(storage, Optional.empty(), options);
        return storage;
    }

    private static Image open(MemoryStorage storage, Optional<Boolean> lazy) {
        return Qcow2Format.INSTANCE.open(
                new KeepOpen(storage, true),
                FormatOptions.DEFAULT.withLazyRefcounts(lazy),
                OneBacking.NONE);
    }

    private static void write(Image image, int cluster) {
        byte[] bytes = new byte[CLUSTER];
        Arrays.fill(bytes, (byte) (cluster + 1));
        image.write((long) cluster * CLUSTER, MemorySegment.ofArray(bytes), Durability.CACHED);
        image.flush();
    }

    private static boolean isDirty(MemoryStorage storage) {
        return HeaderCodec.read(storage).has(Header.DIRTY);
    }

    /** Writes and flushes, and looks at what a crash would leave. */
    private static void checkWrite(MemoryStorage storage, Image image, int cluster, boolean lazy) {
        write(image, cluster);
        MemoryStorage crashed = Kinds.copy(storage);
        assertEquals(lazy, isDirty(crashed), "cluster " + cluster);
        assertEquals(!lazy, Kinds.damage(crashed).isEmpty(), "cluster " + cluster);
        try (Image again = open(crashed, Optional.empty())) {
            write(again, SIZE / CLUSTER - 1);
            byte[] expected = new byte[CLUSTER];
            Arrays.fill(expected, (byte) (cluster + 1));
            assertArrayEquals(expected, TestBytes.read(again, (long) cluster * CLUSTER, CLUSTER));
        }
        assertFalse(isDirty(crashed));
        assertEquals(List.of(), Kinds.damage(crashed), "cluster " + cluster);
    }

    @ParameterizedTest
    @CsvSource({
        "false, , false",
        "false, false, false",
        "false, true, true",
        "true, , true",
        "true, false, false",
        "true, true, true"
    })
    void whoOpensHasTheLastWord(boolean image, Boolean option, boolean lazy) {
        MemoryStorage storage = create(image);
        try (Image opened = open(storage, Optional.ofNullable(option))) {
            checkWrite(storage, opened, 0, lazy);
            checkWrite(storage, opened, 1, lazy);
        }
        assertFalse(isDirty(storage));
        assertEquals(List.of(), Kinds.findings(storage));
        boolean flag = (HeaderCodec.read(storage).compatible() & Header.LAZY_REFCOUNTS) != 0;
        assertEquals(image, flag, "the image itself stays as it was");
    }

    @Test
    void openingAgainSwitches() {
        MemoryStorage storage = create(false);
        for (int i = 0; i < 4; i++) {
            boolean lazy = i % 2 == 0;
            try (Image image = open(storage, Optional.of(lazy))) {
                checkWrite(storage, image, i, lazy);
            }
            assertFalse(isDirty(storage));
            assertEquals(List.of(), Kinds.findings(storage));
        }
    }

    @Test
    void amendingSwitchesWhileTheImageIsOpen() {
        MemoryStorage storage = create(false);
        try (Image image = open(storage, Optional.empty())) {
            checkWrite(storage, image, 0, false);
            for (int i = 1; i < 4; i++) {
                boolean lazy = i % 2 != 0;
                image.amending().orElseThrow().amend(Amendment.NONE.withLazyRefcounts(lazy));
                assertFalse(isDirty(storage), "nothing has changed since");
                checkWrite(storage, image, i, lazy);
            }
        }
        assertTrue((HeaderCodec.read(storage).compatible() & Header.LAZY_REFCOUNTS) != 0);
        assertFalse(isDirty(storage));
        assertEquals(List.of(), Kinds.findings(storage));
    }
}
