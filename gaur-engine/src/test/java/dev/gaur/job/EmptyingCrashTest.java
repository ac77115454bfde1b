package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.MemoryChain;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every crash while an image drops its content: nothing in it is corrupt, and each part of the disk
 * is the old one, or shows what lies below.
 */
class EmptyingCrashTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);

    /** Every so many bytes something was written: to different tables of small clusters. */
    private static final int PART = 4096 / Long.BYTES * 4096;

    private static final int PARTS = 24;
    private static final int WRITTEN = 1500;
    private static final int MOST_STATES = 10;
    private static final SnapshotInfo SNAPSHOT =
            new SnapshotInfo("", "one", Instant.EPOCH, 0, 0, 0, OptionalLong.of(0));
    private static final MemoryStorage BASE = new MemoryStorage("base", (long) PARTS * PART);

    @BeforeAll
    static void fillBase() {
        for (int part = 0; part < PARTS; part++) {
            MemorySegment bytes = MemorySegment.ofArray(below());
            BASE.write((long) part * PART, bytes, Durability.CACHED);
        }
    }

    private static BlockDevice open(StorageNode top) {
        return MemoryChain.open(List.of(RebaseTest.keep(top), RebaseTest.keep(BASE)));
    }

    private static byte[] old(int part) {
        byte[] bytes = new byte[WRITTEN];
        Arrays.fill(bytes, (byte) (1 + part));
        return bytes;
    }

    private static byte[] below() {
        byte[] bytes = new byte[WRITTEN];
        Arrays.fill(bytes, (byte) 0xbb);
        return bytes;
    }

    private static MemoryStorage written(int clusterSize, boolean snapshot) {
        Qcow2CreateOptions options =
                Qcow2CreateOptions.ofSize((long) PARTS * PART)
                        .withClusterSize(clusterSize)
                        .withBacking("base", "raw");
        MemoryStorage top = MemoryChain.create("top", options);
        try (BlockDevice device = open(top)) {
            for (int part = 0; part < PARTS; part++) {
                MemorySegment bytes = MemorySegment.ofArray(old(part));
                device.write((long) part * PART, bytes, Durability.CACHED);
            }
            if (snapshot) {
                device.image().snapshots().orElseThrow().create(SNAPSHOT);
            }
        }
        return top;
    }

    /** With a snapshot the L2 tables are gone through; without, nobody looks at one. */
    @ParameterizedTest
    @CsvSource({"512, false", "4096, false", "65536, false", "512, true", "4096, true"})
    void everyPartIsTheOldOneOrTheOneBelow(int clusterSize, boolean snapshot) {
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
        StorageNode top = machine.disk(written(clusterSize, snapshot));
        CrashReplay replay;
        try (BlockDevice device = open(top)) {
            Commit.makeEmpty(device);
            replay = machine.replay();
        }
        Random random = new Random(SEED);
        long looked = 0;
        do {
            long states = replay.states(MOST_STATES);
            for (long state = 0; state < states; state++) {
                String when = "crash at event %d, seed %d".formatted(replay.position(), SEED);
                boolean all = states < MOST_STATES;
                look(all ? replay.crash(state) : replay.crash(random), when);
                looked++;
            }
        } while (replay.next());
        assertTrue(looked > 10, "only " + looked);
        assertEmpty(replay.crash(0).getFirst());
    }

    private static void look(List<MemoryStorage> disks, String when) {
        MemoryStorage top = disks.getFirst();
        RebaseTest.check(top, true, when);
        try (BlockDevice device = open(top)) {
            for (int part = 0; part < PARTS; part++) {
                byte[] found = TestBytes.readArray(device, (long) part * PART, WRITTEN);
                byte[] expected = found[0] == (byte) (1 + part) ? old(part) : below();
                assertArrayEquals(expected, found, when + ", part " + part);
            }
        }
    }

    /** It is stable when the call returns. */
    private static void assertEmpty(MemoryStorage top) {
        try (BlockDevice device = open(top)) {
            for (int part = 0; part < PARTS; part++) {
                byte[] found = TestBytes.readArray(device, (long) part * PART, WRITTEN);
                assertArrayEquals(below(), found, "part " + part);
            }
        }
    }
}
