package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashDisk;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.TestBytes;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Crashes while one run of clusters needs two new refcount blocks, one of them counted in the
 * other, whose entries lie in different sectors of the refcount table.
 */
class NewBlocksCrashTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int CLUSTER = 512;

    /** Counts of 64 bits in a block, and entries in a sector of the refcount table. */
    private static final int PER_CLUSTER = CLUSTER / Long.BYTES;

    /** Block 63 is missing, and counts four clusters behind the file's end; block 64, too. */
    private static final int FILE_CLUSTERS = 64 * PER_CLUSTER - 4;

    /** Its L1 table has 40 clusters: block 0 has no room for a copy. */
    private static final Kind KIND =
            new Kind(
                    "two blocks",
                    Qcow2CreateOptions.ofSize(80 << 20)
                            .withClusterSize(CLUSTER)
                            .withRefcountBits(64),
                    0);

    /** An empty image whose refcount table has two clusters, in a file with much unused space. */
    private static MemoryStorage image() {
        MemoryStorage created = KIND.create();
        Header header = HeaderCodec.read(created);
        int end = Math.toIntExact(Math.ceilDiv(created.length(), CLUSTER));
        byte[] bytes = TestBytes.read(created, 0, (int) created.length());
        ByteBuffer file = ByteBuffer.wrap(Arrays.copyOf(bytes, FILE_CLUSTERS * CLUSTER));
        int oldTable = Math.toIntExact(header.refcountTableOffset());
        int block = Math.toIntExact(file.getLong(oldTable));
        file.putLong(block + oldTable / CLUSTER * Long.BYTES, 0);
        file.putLong(block + end * Long.BYTES, 1).putLong(block + (end + 1) * Long.BYTES, 1);
        file.putLong(end * CLUSTER, block); // The new table.
        file.putLong(48, (long) end * CLUSTER).putInt(56, 2); // Where it is, in the header.
        return new MemoryStorage("image", file.array());
    }

    @Test
    void aBlockIsHookedInAfterTheOneThatCountsIt() {
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.GARBAGE);
        CrashDisk disk = machine.disk(image());
        assertEquals(List.of(), Kinds.findings(disk));
        try (Image image = KIND.open(disk)) {
            SnapshotInfo wish =
                    new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
            image.snapshots().orElseThrow().create(wish);
        }
        assertEquals(List.of(), Kinds.findings(disk));
        long table = HeaderCodec.read(disk).refcountTableOffset();
        byte[] entries = TestBytes.read(disk, table, 2 * CLUSTER);
        long second = ByteBuffer.wrap(entries).getLong(64 * Long.BYTES);
        assertEquals(63, second / CLUSTER / PER_CLUSTER, "else this tests nothing");

        CrashReplay replay = machine.replay();
        Random random = new Random(SEED);
        int crashes = 0;
        do {
            long states = replay.states(64);
            for (long state = 0; state < states; state++) {
                List<MemoryStorage> left = states < 64 ? replay.crash(state) : replay.crash(random);
                String where = "crash at event " + replay.position() + ", seed " + SEED;
                assertEquals(List.of(), Kinds.damage(left.getFirst()), where);
                crashes++;
            }
        } while (replay.next());
        assertTrue(crashes > 100, crashes + " crashes");
    }
}
