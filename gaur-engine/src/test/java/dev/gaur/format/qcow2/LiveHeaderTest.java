package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.StorageNode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.WatchedStorage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A header is changed in such steps that a crash leaves the old or the new one. */
class LiveHeaderTest {
    private static MemoryStorage image(int version, int extension) {
        MemoryStorage storage = new MemoryStorage("image", 0);
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(1 << 20).withVersion(version);
        ImageCreator.create(storage, Optional.empty(), options);
        if (extension > 0) { // As QEMU makes an overlay, and adds something to it.
            LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
            header.setBacking("base", format("base"));
            header.rewrite(edit -> edit.setExtension(0x12345678, new byte[extension]));
        }
        return storage;
    }

    private static String backing(Header header) {
        String format = header.extensionText(HeaderExtension.BACKING_FORMAT);
        return header.backingName().isEmpty() ? "" : header.backingName() + " " + format;
    }

    private static String wanted(String name) {
        return name.isEmpty() ? "" : name + " " + format(name);
    }

    private static String format(String name) {
        return name.length() % 2 == 0 ? "raw" : "qcow2";
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 100, 376, 600, 1200})
    void atAnyMomentTheBackingFileIsTheOldOrTheNewOne(int extension) {
        for (int version : new int[] {2, 3}) {
            MemoryStorage storage = image(version, extension);
            String old = HeaderCodec.read(storage).backingName();
            for (String name : names()) {
                rename(storage, old, name, "version " + version + ": " + old + " to " + name);
                old = name;
            }
            Header header = HeaderCodec.read(storage);
            assertEquals(extension > 0, header.extension(0x12345678).isPresent());
            assertEquals(1 << 20, header.size());
        }
    }

    private static List<String> names() {
        List<String> names = new ArrayList<>();
        for (int length : new int[] {4, 9, 300, 2, 1, 1023, 1000, 5, 0, 7, 0, 700, 8, 0, 0, 3}) {
            names.add(Character.toString('a' + names.size()).repeat(length));
        }
        return names;
    }

    /** Changes the name, and looks at what a reader finds before each write and after the last. */
    private static void rename(MemoryStorage storage, String old, String name, String message) {
        WatchedStorage.Watcher watcher =
                new WatchedStorage.Watcher() {
                    @Override
                    public void changing(long offset, long length) {
                        assertEquals(offset / 512, (offset + length - 1) / 512, "one sector");
                        assertEquals(wanted(old), backing(HeaderCodec.read(storage)), message);
                    }
                };
        StorageNode watched = new WatchedStorage(storage, watcher);
        new LiveHeader(watched, HeaderCodec.read(storage)).setBacking(name, format(name));
        assertEquals(wanted(name), backing(HeaderCodec.read(storage)), message);
    }

    @Test
    void aFailedWriteLeavesTheOldName() {
        for (int changes = 0; changes < 4; changes++) {
            MemoryStorage storage = image(3, 600);
            new LiveHeader(storage, HeaderCodec.read(storage)).setBacking("first", "raw");
            FailingStorage failing = new FailingStorage(storage, changes);
            LiveHeader header = new LiveHeader(failing, HeaderCodec.read(storage));
            try {
                header.setBacking("second".repeat(100), "qcow2");
            } catch (RuntimeException _) {
                assertTrue(failing.hasFailed());
                assertEquals("first raw", backing(header.get()));
                assertEquals("first raw", backing(HeaderCodec.read(storage)));
            }
        }
    }

    @Test
    void aHeaderWithoutRoomBesideIsMadeAnew() {
        MemoryStorage storage = new MemoryStorage("image", 0);
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(1 << 20).withClusterSize(512);
        ImageCreator.create(storage, Optional.empty(), options);
        byte[] rest = TestBytes.read(storage, 512, (int) storage.length() - 512);
        for (int length : new int[] {200, 300, 250, 0, 340}) {
            LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
            header.setBacking("x".repeat(length), "raw");
            assertEquals("x".repeat(length), HeaderCodec.read(storage).backingName());
        }
        assertArrayEquals(rest, TestBytes.read(storage, 512, rest.length));
    }
}
