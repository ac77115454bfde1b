package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.EventRecorder;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What an image tells its storage of its work, and when. */
class Qcow2EventsTest {
    private static final int SIZE = 1 << 20;
    private static final int CLUSTER = 1 << 16;
    private static final int PART = 4096;

    /** Those of others: of the block layer, of filters and of VM state, which Gaur has not. */
    private static final Set<BlockEvent> NOT_OURS =
            EnumSet.of(
                    BlockEvent.NONE,
                    BlockEvent.VMSTATE_LOAD,
                    BlockEvent.VMSTATE_SAVE,
                    BlockEvent.COR_WRITE,
                    BlockEvent.PWRITEV,
                    BlockEvent.PWRITEV_ZERO,
                    BlockEvent.PWRITEV_DONE,
                    BlockEvent.PWRITEV_RMW_HEAD,
                    BlockEvent.PWRITEV_RMW_AFTER_HEAD,
                    BlockEvent.PWRITEV_RMW_TAIL,
                    BlockEvent.PWRITEV_RMW_AFTER_TAIL);

    private record Base(int length) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            byte[] content = new byte[length];
            Arrays.fill(content, (byte) 7);
            return new MemoryStorage(reference.name(), content);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }
    }

    private static EventRecorder create(Qcow2CreateOptions options, boolean watched) {
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), options);
        return new EventRecorder(storage, watched);
    }

    private static EventRecorder overlay(boolean watched) {
        return create(Qcow2CreateOptions.ofSize(SIZE).withBacking("base", "raw"), watched);
    }

    private static Image open(EventRecorder storage) {
        return Qcow2Format.INSTANCE.open(storage, FormatOptions.DEFAULT, new Base(SIZE / 2));
    }

    private static void write(Image image, long offset, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 1);
        image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    private static void writeCompressed(Image image, long offset) {
        MemorySegment zeros = MemorySegment.ofArray(new byte[CLUSTER]);
        image.compressing().orElseThrow().writeCompressed(offset, zeros);
    }

    private static void takeSnapshot(Image image) {
        SnapshotInfo wish = new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        image.snapshots().orElseThrow().create(wish);
    }

    private static void resize(Image image, long size) {
        image.resizing().orElseThrow().resize(size, Preallocation.OFF);
    }

    /** Requests of all kinds to an image with a backing file. */
    private static void workOnOverlay(EventRecorder storage) {
        try (Image image = open(storage)) {
            write(image, 0, CLUSTER);
            writeCompressed(image, 2 * CLUSTER);
            TestBytes.read(image, 0, SIZE);
            takeSnapshot(image);
            write(image, 100, PART);
            write(image, SIZE - 2 * PART, PART);
            image.discard(0, CLUSTER);
            image.flush();
        }
        try (Image image = open(storage)) {
            TestBytes.read(image, 0, SIZE);
            resize(image, 1L << 40);
            resize(image, SIZE);
        }
    }

    /** Growth beyond the first refcount block and table, and the way back. */
    private static void growAndEmpty(EventRecorder storage) {
        try (Image image = open(storage)) {
            for (int at = 0; at < 16 << 20; at += 1 << 20) {
                write(image, at, 1 << 20);
                image.flush();
            }
            image.emptying().orElseThrow().makeEmpty();
        }
    }

    @Test
    void everyEventIsTold() {
        EventRecorder overlay = overlay(true);
        workOnOverlay(overlay);
        Set<String> told = new TreeSet<>(overlay.log());
        EventRecorder small =
                create(Qcow2CreateOptions.ofSize(16 << 20).withClusterSize(512), true);
        growAndEmpty(small);
        told.addAll(small.log());

        Set<String> missing = new TreeSet<>();
        for (BlockEvent each : EnumSet.complementOf(EnumSet.copyOf(NOT_OURS))) {
            if (!told.contains(each.text())) {
                missing.add(each.text());
            }
        }
        assertEquals(Set.of(), missing);
        NOT_OURS.forEach(each -> assertFalse(told.contains(each.text()), each.text()));
        assertEquals(List.of(), Kinds.findings(overlay));
        assertEquals(List.of(), Kinds.findings(small));
    }

    private static void assertTold(EventRecorder storage, String... expected) {
        assertEquals(List.of(expected), storage.log());
    }

    @Test
    void eachIsToldBeforeItsRequest() {
        EventRecorder storage = overlay(true);
        try (Image image = open(storage)) {
            TestBytes.read(image, 0, PART);
            storage.clear();
            write(image, 100, PART);
            assertTold(
                    storage,
                    "reftable_load",
                    "READ",
                    "READ", // The L1 table, for what lies where and for the mapping.
                    "READ",
                    "cluster_alloc",
                    "refblock_load",
                    "READ",
                    "cow_read",
                    "read_backing_aio",
                    "cow_read",
                    "read_backing_aio",
                    "write_aio",
                    "cow_write",
                    "WRITE",
                    "cluster_alloc",
                    "l2_alloc_write",
                    "ZERO");
            storage.clear();
            image.flush();
            assertTold(
                    storage,
                    "flush_to_os",
                    "refblock_update_part",
                    "WRITE",
                    "FLUSH",
                    "l2_update",
                    "WRITE",
                    "FLUSH",
                    "l1_update",
                    "WRITE",
                    "flush_to_disk",
                    "FLUSH");
            storage.clear();
            write(image, 200, PART);
            TestBytes.read(image, 100, PART);
            TestBytes.read(image, SIZE / 4, PART);
            assertTold(storage, "write_aio", "WRITE", "read_aio", "READ", "read_backing_aio");
        }
    }

    @Test
    void whereNobodyListensHotPathsTellNothing() {
        EventRecorder storage = overlay(false);
        workOnOverlay(storage);
        assertFalse(storage.log().contains("read_aio"));
        assertFalse(storage.log().contains("write_aio"));
        assertTrue(storage.log().contains("READ"));
        try (Image image = open(storage)) {
            write(image, 0, PART);
            byte[] target = new byte[PART];
            assertTrue(image.tryRead(0, MemorySegment.ofArray(target)));
        }
    }

    @Test
    void whereSomebodyListensNothingIsReadInPassing() {
        EventRecorder storage = overlay(true);
        try (Image image = open(storage)) {
            write(image, 0, PART);
            byte[] target = new byte[PART];
            assertFalse(image.tryRead(0, MemorySegment.ofArray(target)));
        }
    }
}
