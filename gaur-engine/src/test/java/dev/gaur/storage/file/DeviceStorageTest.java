package dev.gaur.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.ffi.Errno;
import dev.gaur.storage.StorageOptions;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Files that are taken for block devices, whose length nobody can change: storage on them is as
 * long as its user says, within that.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeviceStorageTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path folder = Path.of("");

    /** The ways to a device. */
    private enum Way {
        CHANNEL,
        CACHED,
        DIRECT
    }

    private static StorageNode open(Path path, Way way) throws IOException {
        String name = path.toString();
        FileIdentity file = FileIdentity.of(path);
        FileIdentity.Kind kind = FileIdentity.Kind.BLOCK_DEVICE;
        FileIdentity device = new FileIdentity(file.key(), file.inode(), kind);
        if (way == Way.CHANNEL) {
            SharedFile.User user = SharedFile.open(path, device, name, true, Claim.WRITE);
            return new ChannelStorage(name, device, user, true);
        }
        StorageOptions options = StorageOptions.WRITE.withDirect(way == Way.DIRECT);
        return NativeStorage.open(name, device, options, Claim.WRITE);
    }

    private static byte[] garbage(int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 0x55);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceStaysAsLongAsItIs(Way way) throws IOException {
        Path path = Files.write(folder.resolve("device"), garbage(SIZE));
        byte[] content = garbage(SIZE);
        try (StorageNode storage = open(path, way)) {
            assertEquals(SIZE, storage.length());
            storage.resize(0);
            assertEquals(0, storage.length());
            byte[] some = {1, 2, 3};
            storage.write(0, MemorySegment.ofArray(some), Durability.STABLE);
            assertEquals(some.length, storage.length());
            assertEquals(SIZE, Files.size(path));
            storage.resize(5000);
            assertEquals(5000, storage.length());
            System.arraycopy(Arrays.copyOf(some, 5000), 0, content, 0, 5000);
            assertArrayEquals(Arrays.copyOf(some, 5000), TestBytes.read(storage, 0, 5000));
            storage.resize(2000);
            assertEquals(2000, storage.length());
        }
        byte[] now = Files.readAllBytes(path);
        assertArrayEquals(Arrays.copyOf(content, 5000), Arrays.copyOf(now, 5000));
        assertEquals(SIZE, now.length);
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceThatIsFullIsUsedFurtherOnceItIsLarger(Way way) throws IOException {
        Path path = Files.write(folder.resolve("device"), garbage(SIZE));
        try (StorageNode storage = open(path, way)) {
            var full = assertThrows(BlockException.Media.class, () -> storage.resize(2L * SIZE));
            assertEquals(Errno.ENOSPC, full.errno());
            assertEquals(SIZE, storage.length());
            assertEquals(SIZE, Files.size(path));
            Files.write(path, garbage(3 * SIZE), StandardOpenOption.APPEND);
            storage.resize(2L * SIZE);
            assertEquals(2L * SIZE, storage.length());
            byte[] expected = Arrays.copyOf(garbage(SIZE), 2 * SIZE);
            assertArrayEquals(expected, TestBytes.read(storage, 0, 2 * SIZE));
        }
        assertEquals(4L * SIZE, Files.size(path));
    }
}
