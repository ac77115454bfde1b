package dev.gaur.job;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One or more disks, one behind the other. A disk that ends within a sector of 512 bytes is filled
 * up with zeros, as in QEMU.
 */
final class ConvertSource {
    /** The unit of disk sizes in QEMU. */
    static final int SECTOR = 512;

    private record Part(long start, long end, BlockIo disk) {}

    private final Part[] parts;
    private final long length;

    ConvertSource(List<? extends BlockIo> disks) {
        parts = new Part[disks.size()];
        long end = 0;
        for (int i = 0; i < parts.length; i++) {
            BlockIo disk = disks.get(i);
            long start = end;
            end = Math.addExact(start, Math.addExact(disk.length(), SECTOR - 1) & -SECTOR);
            parts[i] = new Part(start, end, disk);
        }
        length = end;
    }

    long length() {
        return length;
    }

    /** Fills the target with the bytes from {@code offset} on. */
    void read(long offset, MemorySegment target) {
        long end = offset + target.byteSize();
        for (Part part : parts) {
            long first = Math.max(offset, part.start());
            long stop = Math.min(end, part.end());
            if (first < stop) {
                read(part, first - part.start(), target.asSlice(first - offset, stop - first));
            }
        }
    }

    private static void read(Part part, long offset, MemorySegment target) {
        long here = Math.min(target.byteSize(), Math.max(0, part.disk().length() - offset));
        if (here > 0) {
            part.disk().read(offset, target.asSlice(0, here));
        }
        target.asSlice(here).fill((byte) 0);
    }

    /**
     * Tells the extents from {@code offset} to the end of the disk that it lies in; offsets are
     * those of the whole.
     */
    void extents(long offset, ExtentVisitor visitor) {
        for (Part part : parts) {
            if (offset < part.end()) {
                extents(part, offset - part.start(), visitor);
                return;
            }
        }
    }

    private static void extents(Part part, long offset, ExtentVisitor visitor) {
        long end = part.disk().length();
        boolean[] goOn = {true};
        if (offset < end) {
            part.disk()
                    .extents(
                            offset,
                            end - offset,
                            extent -> goOn[0] = visitor.visit(moved(extent, part.start())));
        }
        long filled = part.end() - part.start() - end;
        if (goOn[0] && filled > 0) {
            visitor.visit(new Extent.Unallocated(part.start() + end, filled, 0));
        }
    }

    private static Extent moved(Extent extent, long start) {
        return start == 0
                ? extent
                : extent.at(extent.offset() + start, extent.length(), extent.depth());
    }
}
