package dev.gaur.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.mem.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link BlockNode} promises about reading. A subclass for each implementation; those
 * that can be written to have {@link StorageContract}.
 */
public abstract class BlockIoContract {
    /** Odd, so that nothing can rely on whole clusters. */
    private static final int SIZE = 1_000_448;

    private static final int ROUNDS = 200;

    private final long seed = Long.getLong("gaur.seed", 20261122L);
    private final String replay = "seed " + seed;
    private final Random random = new Random(seed);
    private byte[] content = {};
    private BlockNode node = dev.gaur.block.ZeroNode.INSTANCE;

    /** Makes a node that reads as {@code content}, whose length is a multiple of 512. */
    protected abstract BlockNode nodeWith(byte[] content) throws Exception;

    @BeforeEach
    void openNode() throws Exception {
        content = TestBytes.patchy(random, SIZE);
        node = nodeWith(content);
    }

    @AfterEach
    void closeNode() {
        node.close();
    }

    private byte[] expected(long offset, long length) {
        return Arrays.copyOfRange(content, (int) offset, (int) (offset + length));
    }

    @Test
    void lengthIsThatOfTheContent() {
        assertEquals(SIZE, node.length());
    }

    @Test
    void readsAnyRangeIntoNativeMemory() {
        for (int round = 0; round < ROUNDS; round++) {
            int offset = random.nextInt(SIZE);
            int length = random.nextInt(SIZE - offset + 1) >>> random.nextInt(12);
            byte[] read = TestBytes.read(node, offset, length);
            assertArrayEquals(expected(offset, length), read, replay + " offset " + offset);
        }
    }

    @Test
    void readsAllInOneRequest() {
        assertArrayEquals(content, TestBytes.read(node, 0, SIZE), replay);
    }

    @Test
    void readsIntoAnArrayOfBytes() {
        byte[] array = new byte[SIZE];
        node.read(100, MemorySegment.ofArray(array).asSlice(7, 300_000));
        assertArrayEquals(expected(100, 300_000), Arrays.copyOfRange(array, 7, 300_007), replay);
        assertEquals(0, array[6] | array[300_007], "bytes around the slice");
    }

    @Test
    void readsIntoAnArrayOfLongs() {
        long[] array = new long[1000];
        node.read(512, MemorySegment.ofArray(array));
        byte[] read = MemorySegment.ofArray(array).toArray(ValueLayout.JAVA_BYTE);
        assertArrayEquals(expected(512, 8000), read, replay);
    }

    @Test
    void readingNothingIsFine() {
        node.read(0, MemorySegment.ofArray(new byte[0]));
        node.read(SIZE, MemorySegment.ofArray(new byte[0]));
    }

    @Test
    void tryReadGivesTheBytesOrRefuses() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(5000);
            for (int round = 0; round < ROUNDS; round++) {
                int offset = random.nextInt(SIZE - 5000);
                if (node.tryRead(offset, buffer)) {
                    byte[] read = buffer.toArray(ValueLayout.JAVA_BYTE);
                    assertArrayEquals(expected(offset, 5000), read, replay);
                }
            }
        }
    }

    @Test
    void manyThreadsReadAtOnce() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<byte[]>> reads = new ArrayList<>();
            for (int reader = 0; reader < 16; reader++) {
                reads.add(() -> TestBytes.read(node, 0, SIZE));
            }
            for (Future<byte[]> read : threads.invokeAll(reads)) {
                assertArrayEquals(content, read.get(), replay);
            }
        }
    }

    @Test
    void anInterruptedThreadStillReadsAndStaysInterrupted() {
        Thread.currentThread().interrupt();
        byte[] read;
        boolean interrupted;
        try {
            read = TestBytes.read(node, 0, SIZE);
        } finally {
            interrupted = Thread.interrupted();
        }
        assertArrayEquals(content, read, replay);
        assertTrue(interrupted);
        assertArrayEquals(content, TestBytes.read(node, 0, SIZE), replay);
    }

    @Test
    void extentsCoverAnyRangeWithoutGapsAndTellTheTruthAboutZeros() {
        for (int round = 0; round < ROUNDS; round++) {
            int offset = random.nextInt(SIZE);
            int length = 1 + random.nextInt(SIZE - offset);
            List<Extent> extents = new ArrayList<>();
            node.extents(offset, length, extents::add);
            checkExtents(offset, length, extents);
        }
    }

    private void checkExtents(long offset, long length, List<Extent> extents) {
        long at = offset;
        for (Extent extent : extents) {
            assertEquals(at, extent.offset(), () -> replay + " gap before " + extent);
            assertTrue(extent.length() > 0, () -> replay + " empty " + extent);
            assertTrue(
                    !extent.readsAsZero() || isZero(extent), () -> replay + " not zero: " + extent);
            at = extent.end();
        }
        assertEquals(offset + length, at, replay + " end of " + extents);
    }

    private boolean isZero(Extent extent) {
        return Bytes.isZero(MemorySegment.ofArray(content), extent.offset(), extent.length());
    }

    @Test
    void extentsOfNothingAreNone() {
        node.extents(
                SIZE / 2,
                0,
                extent -> {
                    throw new AssertionError(extent.toString());
                });
    }

    @Test
    void extentsEndWhenTheVisitorSaysSo() {
        List<Extent> extents = new ArrayList<>();
        node.extents(
                0,
                SIZE,
                extent -> {
                    extents.add(extent);
                    return false;
                });
        assertEquals(1, extents.size());
    }

    @Test
    void aReadOnlyNodeRefusesEveryChange() {
        if (node.writable()) {
            return; // StorageContract has the tests for those.
        }
        MemorySegment bytes = MemorySegment.ofArray(new byte[512]);
        assertThrows(BlockException.Denied.class, () -> node.write(0, bytes, Durability.CACHED));
        assertThrows(
                BlockException.Denied.class,
                () -> node.zero(0, 512, dev.gaur.block.ZeroMode.KEEP, Durability.CACHED));
        assertThrows(BlockException.Denied.class, () -> node.discard(0, 512));
        assertArrayEquals(content, TestBytes.read(node, 0, SIZE), replay);
    }

    @Test
    void closingTwiceDoesNothingMore() {
        node.close();
        node.close();
    }

    @Test
    protected void aClosedNodeRefusesToRead() {
        node.close();
        assertThrows(BlockException.class, () -> TestBytes.read(node, 0, 512));
    }

    @Test
    void flushingIsAlwaysPossible() {
        node.flush();
        assertFalse(node.name().isEmpty());
    }
}
