package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CowUse;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;

/** An image over a backing file of noise, and what it must read as. */
final class CowDisk implements ReferenceOpener, AutoCloseable {
    static final int K = 1024;
    static final int CLUSTER = 64 * K;
    static final int SIZE = 4 * K * K;
    static final int PIECE = 4 * K;
    static final long OFF = 0;
    static final long AUTO = FormatOptions.AUTO;
    private static final int EIO = 5;

    final byte[] model = new byte[SIZE];
    final CountingStorage base;
    final MemoryStorage file = new MemoryStorage("image", 0);
    final MemoryStorage data = new MemoryStorage("data", 0); // Where options say so.
    final List<Integer> writes = new ArrayList<>();
    StorageNode top;
    Image image;
    boolean bad; // The backing file's second cluster, or what is said here.
    int badFrom = CLUSTER;
    int badEnd = 2 * CLUSTER;

    CowDisk(Qcow2CreateOptions options, long bytes) {
        new Random(1).nextBytes(model);
        base = new CountingStorage(new MemoryStorage("base", model.clone()));
        Optional<StorageNode> apart = options.hasDataFile() ? Optional.of(data) : Optional.empty();
        ImageCreator.create(file, apart, options.withBacking("base", "raw"));
        top = new Writes(file);
        image = open(bytes);
    }

    CowDisk(long bytes) {
        this(Qcow2CreateOptions.ofSize(SIZE), bytes);
    }

    /** Notes how much is written at once. */
    private final class Writes extends StorageWrapper {
        Writes(StorageNode real) {
            super(real);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            super.write(offset, source, durability);
            writes.add((int) source.byteSize());
        }
    }

    private Image open(long bytes) {
        FormatOptions options = FormatOptions.DEFAULT.withCowCacheBytes(bytes);
        return Qcow2Format.INSTANCE.open(new KeepOpen(top, true), options, this);
    }

    /** Opens it once more, over other storage. */
    void reopen(StorageNode over, long bytes) {
        image.close();
        top = over;
        image = open(bytes);
    }

    @Override
    public BlockNode backing(Reference reference) {
        return new StorageWrapper(base) {
            @Override
            public void read(long offset, MemorySegment target) {
                if (bad && offset < badEnd && offset + target.byteSize() > badFrom) {
                    throw new BlockException.Media("base", "", offset, "bad", EIO, null);
                }
                super.read(offset, target);
            }
        };
    }

    @Override
    public StorageNode dataFile(Reference reference) {
        return new KeepOpen(data, true);
    }

    void write(int at, int count, Durability durability) {
        byte[] bytes = new byte[count];
        new Random(at * 31L + count).nextBytes(bytes);
        image.write(at, MemorySegment.ofArray(bytes), durability);
        System.arraycopy(bytes, 0, model, at, count);
    }

    void write(int at, int count) {
        write(at, count, Durability.CACHED);
    }

    void takeSnapshot(String name) {
        SnapshotInfo wish =
                new SnapshotInfo("", name, Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        image.snapshots().orElseThrow().create(wish);
    }

    /** Writes of data: larger than those of tables here. */
    List<Integer> dataWrites() {
        return writes.stream().filter(each -> each >= PIECE).toList();
    }

    CowUse use() {
        return image.cowUse().orElseThrow();
    }

    long held() {
        return use().bytes();
    }

    void assertReads() {
        assertArrayEquals(model, TestBytes.readArray(image, 0, SIZE));
        byte[] part = TestBytes.readArray(image, 1000, 3 * CLUSTER);
        assertArrayEquals(Arrays.copyOfRange(model, 1000, 1000 + 3 * CLUSTER), part);
    }

    /** What another process would find now, if the image says that it is closed. */
    void assertLeft() {
        assertEquals(List.of(), Kinds.findings(file));
        assertReadsLeft();
    }

    /** The same of what the disk holds, though some clusters may be leaked. */
    void assertReadsLeft() {
        try (Image left =
                Qcow2Format.INSTANCE.open(new KeepOpen(file, false), FormatOptions.DEFAULT, this)) {
            assertArrayEquals(model, TestBytes.readArray(left, 0, SIZE));
        }
    }

    @Override
    public void close() {
        image.close();
        assertLeft();
    }
}
