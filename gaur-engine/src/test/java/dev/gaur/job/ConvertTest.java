package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ConvertTest {
    private static final int MIB = 1 << 20;
    private static final int QCOW2_MAGIC = 0x51;

    private static MemoryStorage disk(byte[] content) {
        return new MemoryStorage("source", content);
    }

    @RepeatedTest(8)
    void copiesEveryByteWhateverTheOptions(RepetitionInfo info) {
        Random random = new Random(info.getCurrentRepetition());
        List<MemoryStorage> sources = new ArrayList<>();
        for (int i = 0; i <= random.nextInt(3); i++) {
            sources.add(disk(TestBytes.patchy(random, 512 * (1 + random.nextInt(6000)))));
        }
        int length = (int) Convert.length(sources);
        byte[] expected = new byte[length];
        int at = 0;
        for (MemoryStorage source : sources) {
            byte[] bytes = TestBytes.read(source, 0, (int) source.length());
            System.arraycopy(bytes, 0, expected, at, bytes.length);
            at += bytes.length;
        }
        boolean isZero = random.nextBoolean();
        MemoryStorage target = new MemoryStorage("target", length);
        if (!isZero) {
            target = disk(TestBytes.patchy(random, length));
        }
        int[] sparse = {0, 512, 4096, 65536};
        ConvertOptions options =
                ConvertOptions.DEFAULT
                        .withSparseBytes(sparse[random.nextInt(sparse.length)])
                        .withWorkers(1 + random.nextInt(8));
        Convert.toDisk(sources, target, isZero, options, new JobControl());
        assertArrayEquals(
                expected,
                TestBytes.read(target, 0, length),
                "seed " + info.getCurrentRepetition() + ", " + options);
    }

    @Test
    void leavesHolesWhereTheSourceHasZeros() {
        byte[] content = new byte[4 * MIB];
        Arrays.fill(content, MIB, MIB + 8192, (byte) 7);
        MemoryStorage target = new MemoryStorage("target", content.length);
        Convert.toDisk(
                List.of(disk(content)), target, true, ConvertOptions.DEFAULT, new JobControl());
        assertEquals(8192, target.allocatedBytes());
    }

    @Test
    void endsAShortSourceWithZerosUpToASector() {
        MemoryStorage source = disk(new byte[] {1, 2, 3});
        MemoryStorage target = new MemoryStorage("target", 512);
        Convert.toDisk(List.of(source), target, true, ConvertOptions.DEFAULT, new JobControl());
        assertArrayEquals(Arrays.copyOf(new byte[] {1, 2, 3}, 512), TestBytes.read(target, 0, 512));
    }

    @ParameterizedTest
    @EnumSource
    void whatAFileHadBeforeDoesNotShowThroughReservedClusters(
            Preallocation mode, @TempDir Path folder) throws IOException {
        byte[] old = new byte[4 * MIB];
        Arrays.fill(old, (byte) 7);
        MemoryStorage file = new MemoryStorage("target", old);
        Convert.toImage(
                List.of(disk(new byte[MIB])),
                file,
                Qcow2CreateOptions.ofSize(MIB).withPreallocation(mode),
                Convert.Backing.NONE,
                Optional.empty(),
                ConvertOptions.DEFAULT,
                new JobControl());
        Path path = folder.resolve("image");
        Files.write(path, TestBytes.read(file, 0, (int) file.length()));
        try (BlockDevice image = ChainOpener.open(path.toString(), OpenRequest.READ)) {
            assertArrayEquals(new byte[MIB], TestBytes.read(image, 0, MIB));
        }
    }

    @Test
    void placeIsReservedAheadAndWhatIsLeftGivenBack() {
        byte[] content = new byte[5 * MIB];
        new Random(1).nextBytes(content);
        long[] reserved = new long[1];
        long[] kept = new long[1];
        StorageNode file =
                new StorageWrapper(new MemoryStorage("target", 0)) {
                    @Override
                    public void reserve(long offset, long count) {
                        assertEquals(reserved[0], offset, "there are no holes");
                        reserved[0] = offset + count;
                        kept[0] = reserved[0];
                    }

                    @Override
                    public void write(long offset, MemorySegment source, Durability durability) {
                        boolean data = source.byteSize() > MIB / 2;
                        assertTrue(!data || offset + source.byteSize() <= reserved[0]);
                        super.write(offset, source, durability);
                    }

                    @Override
                    public void resize(long newLength) {
                        super.resize(newLength);
                        kept[0] = newLength;
                    }
                };
        Convert.toImage(
                List.of(disk(content)),
                file,
                Qcow2CreateOptions.ofSize(content.length),
                Convert.Backing.NONE,
                Optional.empty(),
                ConvertOptions.DEFAULT,
                new JobControl());
        assertTrue(reserved[0] >= content.length, "" + reserved[0]);
        assertTrue(kept[0] <= file.length(), kept[0] + " of " + file.length());
    }

    @Test
    void everyFailingWriteEndsTheJobAndLeavesNoImage() {
        byte[] content = TestBytes.patchy(new Random(1), MIB);
        Qcow2CreateOptions create = Qcow2CreateOptions.ofSize(MIB).withClusterSize(512);
        boolean failed = true;
        for (int changes = 0; failed; changes += 1 + changes / 8) {
            MemoryStorage source = disk(content);
            MemoryStorage file = new MemoryStorage("target", 0);
            FailingStorage failing = new FailingStorage(file, changes);
            Runnable job =
                    () ->
                            Convert.toImage(
                                    List.of(source),
                                    failing,
                                    create,
                                    Convert.Backing.NONE,
                                    Optional.empty(),
                                    ConvertOptions.DEFAULT,
                                    new JobControl());
            String when = "after " + changes + " changes";
            try {
                job.run();
                failed = failing.hasFailed();
            } catch (BlockException.Media _) {
                byte first = file.length() == 0 ? 0 : TestBytes.read(file, 0, 1)[0];
                assertNotEquals(QCOW2_MAGIC, first, when);
            }
            assertArrayEquals(content, TestBytes.read(source, 0, MIB), when);
        }
    }

    @Test
    void aCancelledJobThrowsAndStops() {
        MemoryStorage source = disk(TestBytes.patchy(new Random(1), 8 * MIB));
        JobControl control =
                new JobControl() {
                    @Override
                    protected void progress(long done, long total) {
                        cancel();
                    }
                };
        MemoryStorage target = new MemoryStorage("target", 8 * MIB);
        assertThrows(
                CancellationException.class,
                () ->
                        Convert.toDisk(
                                List.of(source),
                                target,
                                true,
                                ConvertOptions.DEFAULT.withWorkers(2),
                                control));
        assertTrue(target.allocatedBytes() < 8 * MIB, "all was written");
    }

    @Test
    void progressEndsAtTheWholeLength() {
        long[] last = new long[2];
        JobControl control =
                new JobControl() {
                    @Override
                    protected void progress(long done, long total) {
                        last[0] = done;
                        last[1] = total;
                    }
                };
        MemoryStorage source = disk(TestBytes.patchy(new Random(1), 3 * MIB + 512));
        MemoryStorage target = new MemoryStorage("target", source.length());
        Convert.toDisk(List.of(source), target, true, ConvertOptions.DEFAULT, control);
        assertArrayEquals(new long[] {source.length(), source.length()}, last);
    }
}
