package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashDisk;
import dev.gaur.testkit.CrashMachine;
import dev.gaur.testkit.CrashReplay;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.WatchedStorage;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
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

    /** What may become of a header, whatever else is in it. */
    private enum Edit {
        VERSION_3 {
            @Override
            void make(LiveHeader header) {
                header.rewrite(edit -> edit.version = 3);
            }
        },
        BITMAPS {
            @Override
            void make(LiveHeader header) {
                header.switchBitmaps(bitmaps());
            }
        },
        LAZY {
            @Override
            void make(LiveHeader header) {
                header.rewrite(edit -> edit.compatible ^= Header.LAZY_REFCOUNTS);
            }
        },
        NAME {
            @Override
            void make(LiveHeader header) {
                header.setBacking("another name", "raw");
            }
        },
        MORE_BITMAPS {
            @Override
            void make(LiveHeader header) {
                byte[] extension = bitmaps();
                extension[3]++;
                header.switchBitmaps(extension);
            }
        },
        NO_BITMAPS {
            @Override
            void make(LiveHeader header) {
                header.switchBitmaps(new byte[0]);
            }
        },
        VERSION_2 {
            @Override
            void make(LiveHeader header) {
                header.rewrite(
                        edit -> {
                            edit.version = 2;
                            edit.compatible = 0;
                            edit.autoclear = 0;
                        });
            }
        };

        abstract void make(LiveHeader header);

        private static byte[] bitmaps() {
            ByteBuffer bytes = ByteBuffer.allocate(BitmapDirectory.EXTENSION_BYTES);
            bytes.putInt(1).putInt(0).putLong(32).putLong(1 << 16);
            return bytes.array();
        }
    }

    /** As an older QEMU does: a shorter header, other names of features, or none. */
    private static byte[] oldLayout(Header header, String name, int names) {
        byte[] bytes = new byte[1 << header.clusterBits()];
        ByteBuffer out = ByteBuffer.wrap(bytes);
        out.put(HeaderCodec.encode("image", header), 0, 104).putInt(100, 104);
        if (!name.isEmpty()) {
            out.putInt(HeaderExtension.BACKING_FORMAT).putInt(5);
            out.put("qcow2".getBytes(StandardCharsets.US_ASCII)).put(new byte[3]);
        }
        if (names > 0) {
            out.putInt(HeaderExtension.FEATURE_NAMES).putInt(names * HeaderCodec.FEATURE_BYTES);
            out.put(new byte[names * HeaderCodec.FEATURE_BYTES]);
        }
        out.putLong(0);
        byte[] nameBytes = name.getBytes(StandardCharsets.US_ASCII);
        out.putLong(8, nameBytes.length == 0 ? 0 : out.position()).putInt(16, nameBytes.length);
        out.put(nameBytes);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 65536})
    void aCrashLeavesTheOldHeaderOrTheNewOne(int clusterSize) {
        for (int length : new int[] {0, 9, 300, 1000, 1023}) {
            for (int names : new int[] {0, 6, 8, 10}) {
                String name = "x".repeat(length);
                int needed = 104 + 16 + 8 + names * HeaderCodec.FEATURE_BYTES + 8 + length + 80;
                if (needed <= clusterSize) {
                    MemoryStorage storage = new MemoryStorage("image", 0);
                    Qcow2CreateOptions options =
                            Qcow2CreateOptions.ofSize(1 << 20).withClusterSize(clusterSize);
                    ImageCreator.create(storage, Optional.empty(), options);
                    byte[] first = oldLayout(HeaderCodec.read(storage), name, names);
                    storage.write(0, MemorySegment.ofArray(first), Durability.CACHED);
                    crash(storage, length + " bytes of name, " + names + " names of features");
                }
            }
        }
    }

    private static void crash(MemoryStorage storage, String what) {
        CrashMachine machine = new CrashMachine(CrashMachine.Discards.ZERO);
        CrashDisk disk = machine.disk(storage);
        List<Integer> ends = new ArrayList<>();
        List<Header> after = new ArrayList<>(List.of(HeaderCodec.read(storage)));
        LiveHeader header = new LiveHeader(disk, HeaderCodec.read(storage));
        for (int round = 0; round < 2; round++) {
            for (Edit edit : Edit.values()) {
                edit.make(header);
                ends.add(machine.position());
                after.add(header.get());
                assertEquals(meaning(header.get()), meaning(HeaderCodec.read(disk)), what);
            }
        }
        CrashReplay replay = machine.replay();
        for (int edit = 0; replay.next(); ) {
            while (replay.position() > ends.get(edit)) {
                edit++;
            }
            List<String> allowed = List.of(meaning(after.get(edit)), meaning(after.get(edit + 1)));
            for (long state = 0; state < replay.states(64); state++) {
                Header found = HeaderCodec.read(replay.crash(state).getFirst());
                String at = what + ", " + Edit.values()[edit % Edit.values().length] + ": ";
                assertTrue(allowed.contains(meaning(found)), () -> at + found + " not " + allowed);
            }
        }
    }

    /** What a header says, however it is laid out. */
    private static String meaning(Header header) {
        StringBuilder all = new StringBuilder();
        all.append(header.version()).append(' ').append(header.size());
        all.append(' ').append(header.l1TableOffset()).append(' ').append(header.incompatible());
        all.append(' ').append(header.compatible()).append(' ').append(header.autoclear());
        all.append(' ').append(backing(header)).append(' ').append(header.compressionType());
        header.extension(HeaderExtension.BITMAPS)
                .ifPresent(each -> all.append(' ').append(Arrays.toString(each.data())));
        return all.toString();
    }

    /** A disk grows when all that is new reads as zeros; a journal that opens before knows not. */
    @Test
    void aSizeInMemoryIsStoredByNothingElse() {
        MemoryStorage storage = image(3, 0);
        LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
        long before = header.get().virtualSize();
        header.setSizeInMemory(2 * before);
        JournalPlace place = new JournalPlace(1 << 20, 1 << 16, 7);
        header.openJournal(place);
        header.setBacking("other", "raw");
        header.switchBitmaps(new byte[24]);
        header.closeJournal(place);
        assertEquals(before, HeaderCodec.read(storage).virtualSize());
        assertEquals(2 * before, header.get().virtualSize());
        header.setSize(2 * before);
        header.openJournal(place);
        assertEquals(2 * before, HeaderCodec.read(storage).virtualSize());
        assertEquals("other", HeaderCodec.read(storage).backingName());
    }

    /** Whoever clears the dirty bit alone leaves a journal that is about something else. */
    @Test
    void anImageThatBecomesDirtyHasNoJournalOfBefore() {
        MemoryStorage storage = image(3, 0);
        LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
        header.openJournal(new JournalPlace(1 << 20, 1 << 16, 7));
        storage.write(72, MemorySegment.ofArray(new byte[Long.BYTES]), Durability.CACHED);
        header.reload(HeaderCodec.read(storage));
        WatchedStorage.Watcher watcher =
                new WatchedStorage.Watcher() {
                    @Override
                    public void changing(long offset, long length) {
                        look(HeaderCodec.read(storage));
                    }
                };
        LiveHeader watched = new LiveHeader(new WatchedStorage(storage, watcher), header.get());
        watched.setIncompatible(Header.DIRTY, true);
        assertTrue(HeaderCodec.read(storage).has(Header.DIRTY));
        look(HeaderCodec.read(storage));
        look(watched.get());
    }

    private static void look(Header header) {
        boolean valid = (header.autoclear() & Header.JOURNAL_VALID) != 0;
        assertTrue(!valid || !header.has(Header.DIRTY), "a journal of before would be replayed");
    }
}
