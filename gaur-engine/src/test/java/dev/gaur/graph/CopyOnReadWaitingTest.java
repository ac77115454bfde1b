package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.filter.CopyOnRead;
import dev.gaur.filter.LentStorage;
import dev.gaur.format.CheckListener;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2Format;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read is kept around what waits in the data cache, and takes nothing of it back. */
class CopyOnReadWaitingTest implements ReferenceOpener {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int CLUSTER = 4096;
    private static final int SIZE = 200_192;

    private final Random random = new Random(SEED);
    private final byte[] model = TestBytes.patchy(random, SIZE);
    private final CountingStorage base =
            new CountingStorage(new MemoryStorage("base", model.clone()));

    @Override
    public BlockNode backing(Reference reference) {
        return new LentStorage(base);
    }

    @Override
    public StorageNode dataFile(Reference reference) {
        throw new AssertionError(reference.toString());
    }

    private void step(BlockNode disk) {
        int from = random.nextInt(SIZE);
        int length = random.nextInt(SIZE - from) >>> random.nextInt(8);
        switch (random.nextInt(8)) {
            case 0 -> {
                disk.zero(from, length, ZeroMode.UNMAP, Durability.CACHED);
                Arrays.fill(model, from, from + length, (byte) 0);
            }
            case 1 -> disk.flush();
            case 2, 3, 4 -> {
                byte[] found = TestBytes.read(disk, from, length);
                byte[] wanted = Arrays.copyOfRange(model, from, from + length);
                assertArrayEquals(wanted, found, "seed " + SEED);
            }
            default -> {
                byte[] bytes = TestBytes.patchy(random, Math.min(length, 3 * CLUSTER));
                disk.write(from, MemorySegment.ofArray(bytes), Durability.CACHED);
                System.arraycopy(bytes, 0, model, from, bytes.length);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2 * CLUSTER, 16 << 20})
    void nothingIsLostAndNothingIsFetchedTwice(int cache) {
        Qcow2CreateOptions options =
                Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER).withJournal(true);
        MemoryStorage file = MemoryChain.create("image", options.withBacking("base", "raw"));
        FormatOptions open = FormatOptions.DEFAULT.withCowCacheBytes(cache);
        long waited = 0;
        try (Image image = Qcow2Format.INSTANCE.open(new LentStorage(file), open, this);
                CopyOnRead disk = new CopyOnRead(image, CLUSTER)) {
            for (int i = 0; i < 300; i++) {
                step(disk);
                waited = Math.max(waited, image.cowUse().orElseThrow().bytes());
            }
            assertTrue(waited > 0, "nothing waited");
            assertArrayEquals(model, TestBytes.read(disk, 0, SIZE), "seed " + SEED);
            long fetched = base.bytesRead();
            assertArrayEquals(model, TestBytes.read(disk, 0, SIZE), "seed " + SEED);
            disk.flush();
            assertEquals(fetched, base.bytesRead(), "all of it is in the image");
        }
        try (Image image = Qcow2Format.INSTANCE.open(new LentStorage(file), open, this)) {
            assertArrayEquals(model, TestBytes.read(image, 0, SIZE), "seed " + SEED);
            assertTrue(image.checker().orElseThrow().check(CheckListener.NONE).isClean());
        }
    }
}
