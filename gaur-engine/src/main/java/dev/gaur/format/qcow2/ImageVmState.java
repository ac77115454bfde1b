package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.VmState;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The area for VM state: what the L1 table maps behind the disk, from the first L2 table on that
 * maps nothing of the disk. Works on the file alone, as on that of a disk which is longer for the
 * moment and has no backing file.
 *
 * <p>Source: where the area begins is observed with {@code qemu-io} ({@code write -b}).
 */
final class ImageVmState implements VmState {
    private static final int EFBIG = 27;

    private final StorageNode file;
    private final LiveHeader header;
    private final CompressedClusters compressed;
    private final ImageSnapshots.Alone alone;

    /**
     * @param alone runs work on the whole image, if it is open for writing
     */
    ImageVmState(
            StorageNode file,
            LiveHeader header,
            CompressedClusters compressed,
            ImageSnapshots.Alone alone) {
        this.file = file;
        this.header = header;
        this.compressed = compressed;
        this.alone = alone;
    }

    /** Where the area begins, as if it were a part of the disk. */
    private static long area(Header header) {
        Geometry geometry = header.geometry();
        return geometry.guestOffset(geometry.l1EntriesFor(header.virtualSize()), 0);
    }

    /** Where a request begins, if it ends before {@code limit}. */
    private long start(Header header, long offset, long count, long limit) {
        long area = area(header);
        if (offset < 0 || area < 0 || count > limit - area || offset > limit - area - count) {
            throw new BlockException.Media(
                    file.name(), "VM state", offset, "File too large", EFBIG, null);
        }
        return area + offset;
    }

    private View view(Header longer, MappingTables tables) {
        CacheSizes sizes = CacheSizes.of(FormatOptions.DEFAULT, longer);
        return View.of(longer, tables, file, file, ZeroNode.INSTANCE, compressed, sizes);
    }

    // ---- reading

    @Override
    public void read(long offset, MemorySegment target) {
        if (!file.writable()) {
            readFromFile(offset, target);
            return;
        }
        alone.run(
                false,
                _ -> {
                    readFromFile(offset, target);
                    return offset;
                });
    }

    private void readFromFile(long offset, MemorySegment target) {
        Header now = header.get();
        long start = start(now, offset, target.byteSize(), Long.MAX_VALUE);
        long mapped = now.geometry().guestOffset(now.l1Entries(), 0);
        long count = Math.clamp(mapped - start, 0, target.byteSize());
        target.asSlice(count).fill((byte) 0);
        if (count > 0) {
            HeaderEdit edit = new HeaderEdit(now);
            edit.size = start + count;
            MappingTables tables =
                    new MappingTables(
                            file, now.geometry(), "L1 table", now.l1TableOffset(), now.l1Entries());
            view(edit.header(), tables).readPath().read(start, target.asSlice(0, count));
        }
    }

    // ---- writing

    @Override
    public void write(long offset, MemorySegment source) {
        alone.run(
                false,
                image -> {
                    Header now = header.get();
                    Geometry geometry = now.geometry();
                    long count = source.byteSize();
                    long most = geometry.guestOffset(HeaderCodec.L1_BYTES_MAX / Long.BYTES, 0);
                    long limit = most <= 0 ? Long.MAX_VALUE : most; // More than bytes can count.
                    long start = start(now, offset, count, limit);
                    growL1(image, geometry.l1EntriesFor(start + count));
                    header.setSizeInMemory(start + count);
                    try {
                        write(image, start, source);
                    } finally {
                        header.setSizeInMemory(now.virtualSize());
                    }
                    return offset;
                });
    }

    private void growL1(WholeImage image, long needed) {
        long[] old = image.activeL1();
        if (needed <= old.length) {
            return;
        }
        long[] l1 = Arrays.copyOf(old, Math.toIntExact(needed));
        long place = image.take(needed * Long.BYTES);
        image.writeTable(place, l1);
        long oldPlace = header.get().l1TableOffset();
        image.health()
                .orFail(
                        () -> {
                            image.commit();
                            header.switchL1(l1.length, place);
                            image.free(oldPlace, (long) old.length * Long.BYTES);
                            image.finish();
                        });
    }

    private void write(WholeImage image, long start, MemorySegment source) {
        WriteEngine engine =
                new WriteEngine(
                        file,
                        file,
                        header,
                        image.health(),
                        FormatOptions.DEFAULT,
                        new BitmapStore(file, header), // Not attached: follows nothing.
                        new Epoch(),
                        compressed);
        try {
            View view = view(header.get(), engine.tables());
            engine.write(view, start, source, Durability.STABLE);
        } finally {
            engine.settle();
        }
    }
}
