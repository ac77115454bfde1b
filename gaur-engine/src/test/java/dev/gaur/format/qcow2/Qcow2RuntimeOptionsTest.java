package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CacheOptions;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.EventRecorder;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What an image may be told when it is opened has the effect that it says. */
class Qcow2RuntimeOptionsTest {
    private static final long AUTO = FormatOptions.AUTO;
    private static final int SIZE = 4 << 20;
    private static final FormatOptions PLAIN = FormatOptions.DEFAULT;

    private record Nothing() implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            throw new AssertionError(reference.toString());
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }
    }

    private static EventRecorder create(Qcow2CreateOptions options) {
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), options);
        return new EventRecorder(storage, true);
    }

    private static Image open(StorageNode storage, FormatOptions options) {
        return Qcow2Format.INSTANCE.open(storage, options, new Nothing());
    }

    private static CacheSizes sizes(long tables, CacheOptions caches, long diskSize) {
        EventRecorder image = create(Qcow2CreateOptions.ofSize(diskSize));
        FormatOptions options = PLAIN.withMetadataCacheBytes(tables).withCaches(caches);
        return CacheSizes.of(options, HeaderCodec.read(image));
    }

    private static CacheOptions caches(long total, long counts) {
        return new CacheOptions(total, AUTO, counts, AUTO);
    }

    @Test
    void aSumIsDividedAsInQemu() {
        long nanos = TimeUnit.MINUTES.toNanos(10);
        long block = 1 << 16;
        long disk = 16L << 30; // Has 32 tables.
        assertEquals(new CacheSizes(100, 200, nanos), sizes(100, caches(AUTO, 200), disk));
        assertEquals(new CacheSizes(100, 200, nanos), sizes(100, caches(300, AUTO), disk));
        assertEquals(new CacheSizes(100, 200, nanos), sizes(AUTO, caches(300, 200), disk));
        assertEquals(
                new CacheSizes(6 * block, 4 * block, nanos),
                sizes(AUTO, caches(10 * block, AUTO), disk));
        assertEquals(
                new CacheSizes(32 * block, 68 * block, nanos),
                sizes(AUTO, caches(100 * block, AUTO), disk));
        assertEquals(
                new CacheSizes(0, 3 * block, nanos), sizes(AUTO, caches(3 * block, AUTO), disk));
    }

    @Test
    void theIntervalIsInSeconds() {
        CacheOptions never = new CacheOptions(AUTO, AUTO, AUTO, 0);
        CacheOptions often = new CacheOptions(AUTO, AUTO, AUTO, 5);
        assertEquals(0, sizes(AUTO, never, SIZE).cleanNanos());
        assertEquals(5_000_000_000L, sizes(AUTO, often, SIZE).cleanNanos());
    }

    /** How often blocks are read while clusters all over the file are freed, twice. */
    private static int loads(FormatOptions options) {
        EventRecorder storage = create(Qcow2CreateOptions.ofSize(SIZE).withClusterSize(512));
        try (Image image = open(storage, PLAIN)) {
            image.write(0, MemorySegment.ofArray(new byte[SIZE]), Durability.CACHED);
        }
        storage.clear();
        try (Image image = open(storage, options)) {
            for (int round = 0; round < 2; round++) {
                for (int at = round * 512; at < SIZE; at += 1 << 17) {
                    image.discard(at, 512);
                }
                image.flush();
            }
        }
        assertEquals(List.of(), Kinds.findings(storage));
        return Collections.frequency(storage.log(), "refblock_load");
    }

    @Test
    void theCacheOfRefcountBlocksIsBounded() {
        int large = loads(PLAIN);
        assertEquals(large, loads(PLAIN.withCaches(caches(AUTO, 1 << 20))));
        int small = loads(PLAIN.withCaches(caches(AUTO, 1)));
        assertTrue(small > large + 16, large + " loads, and " + small + " with a small cache");
    }

    private static int discards(FormatOptions options, boolean discard) {
        EventRecorder storage = create(Qcow2CreateOptions.ofSize(SIZE));
        MemorySegment cluster = MemorySegment.ofArray(new byte[1 << 16]);
        try (Image image = open(storage, PLAIN)) {
            image.compressing().orElseThrow().writeCompressed(0, cluster);
        }
        try (Image image = open(storage, options)) {
            if (discard) {
                image.discard(0, 1 << 16);
            } else {
                image.write(0, cluster, Durability.CACHED);
            }
            image.flush();
        }
        return Collections.frequency(storage.log(), "DISCARD");
    }

    private static FormatOptions passing(boolean request, boolean other) {
        return PLAIN.withDiscard(new DiscardOptions(true, request, true, other, false));
    }

    @Test
    void whatIsFreeIsGivenBackOnlyIfAskedFor() {
        assertEquals(0, discards(passing(true, false), false));
        assertEquals(0, discards(passing(false, true), true));
        assertTrue(discards(passing(false, true), false) > 0);
        assertTrue(discards(passing(true, false), true) > 0);
    }

    @Test
    void version2HasNoLazyRefcountsAndNoPlacesThatStay() {
        EventRecorder storage = create(Qcow2CreateOptions.ofSize(SIZE).withVersion(2));
        FormatOptions lazy = PLAIN.withLazyRefcounts(Optional.of(true));
        FormatOptions placed = PLAIN.withDiscard(new DiscardOptions(true, true, true, false, true));
        assertThrows(BlockException.Unsupported.class, () -> open(storage, lazy));
        assertThrows(BlockException.Unsupported.class, () -> open(storage, placed));
        open(storage, PLAIN.withLazyRefcounts(Optional.of(false))).close();
    }
}
