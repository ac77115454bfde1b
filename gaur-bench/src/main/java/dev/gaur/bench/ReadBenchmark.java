package dev.gaur.bench;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.mem.BufferPool;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Reads through the library with all data in the page cache: how much of what the system call gives
 * reaches the caller. Says nothing of disks.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
public class ReadBenchmark {
    private static final int MIB = 1 << 20;
    private static final int SMALL = 4096;

    /** How much of each disk is read: all of it lies in the page cache. */
    private static final int WORKING_SET = 512 * MIB;

    /** What is read, from the thinnest to the thickest. */
    public enum Disk {
        /** A file through {@code FileChannel}. */
        CHANNEL,
        /** A file through system calls. */
        NATIVE,
        /** A raw image. */
        RAW,
        /** A qcow2 image. */
        QCOW2,
        /** A qcow2 image of 1 TiB with preallocated metadata; reads anywhere, all of holes. */
        QCOW2_1T
    }

    /** What is read. */
    @Param public Disk disk = Disk.CHANNEL;

    private Path folder = Path.of("");
    private Runnable closing = () -> {};
    private BlockIo io = ZeroNode.INSTANCE;
    private long range;

    /** A buffer for each thread. */
    @State(Scope.Thread)
    public static class Buffers {
        private final MemorySegment small = BufferPool.allocate(SMALL);
        private final MemorySegment large = BufferPool.allocate(MIB);
    }

    /** Makes the disk and reads it once. */
    @Setup
    public void makeDisk() throws Exception {
        folder = Files.createTempDirectory("gaur-bench");
        String raw = folder.resolve("disk.raw").toString();
        if (disk != Disk.QCOW2_1T) {
            fill(raw);
        }
        switch (disk) {
            case CHANNEL -> use(FileDriver.portable().open(raw, StorageOptions.READ));
            case NATIVE -> use(FileDriver.fast().open(raw, StorageOptions.READ));
            case RAW -> use(ChainOpener.open(raw, OpenRequest.READ.withFormat("raw")));
            case QCOW2 -> use(qcow2("convert", "-O", "qcow2", raw));
            case QCOW2_1T ->
                    use(qcow2("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata"));
        }
        range = disk == Disk.QCOW2_1T ? io.length() : WORKING_SET;
        MemorySegment buffer = BufferPool.allocate(MIB);
        for (long at = 0; at < WORKING_SET; at += MIB) {
            io.read(at, buffer);
        }
    }

    private void use(StorageNode storage) {
        io = storage;
        closing = storage::close;
    }

    private void use(BlockDevice device) {
        io = device;
        closing = device::close;
    }

    private static void fill(String path) {
        byte[] bytes = new byte[MIB];
        Random random = new Random(1);
        try (StorageNode file = FileDriver.fast().create(path, WORKING_SET)) {
            for (long at = 0; at < WORKING_SET; at += MIB) {
                random.nextBytes(bytes);
                file.write(at, MemorySegment.ofArray(bytes), Durability.CACHED);
            }
        }
    }

    private BlockDevice qcow2(String... arguments) throws IOException, InterruptedException {
        String image = folder.resolve("disk.qcow2").toString();
        var command = new ArrayList<>(List.of("qemu-img"));
        command.addAll(List.of(arguments));
        command.add(image);
        if (disk == Disk.QCOW2_1T) {
            command.add("1T");
        }
        int status = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (status != 0) {
            throw new IOException(command + " failed: " + status);
        }
        return ChainOpener.open(image, OpenRequest.READ);
    }

    /** Closes and deletes the disk. */
    @TearDown
    public void deleteDisk() throws Exception {
        closing.run();
        Files.deleteIfExists(folder.resolve("disk.raw"));
        Files.deleteIfExists(folder.resolve("disk.qcow2"));
        Files.delete(folder);
    }

    private long anywhere(int size) {
        return ThreadLocalRandom.current().nextLong(range / size) * size;
    }

    /** 4 KiB at random. */
    @Benchmark
    public void read4k(Buffers buffers) {
        io.read(anywhere(SMALL), buffers.small);
    }

    /** 4 KiB at random, only if that needs no waiting. */
    @Benchmark
    public boolean tryRead4k(Buffers buffers) {
        return io.tryRead(anywhere(SMALL), buffers.small);
    }

    /** 1 MiB at random. */
    @Benchmark
    public void read1m(Buffers buffers) {
        io.read(anywhere(MIB), buffers.large);
    }
}
