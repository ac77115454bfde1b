package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.format.raw.RawFormat;
import java.lang.foreign.MemorySegment;

/**
 * Guards the first sector of a disk that was taken for a raw one because of its content: a guest
 * that could write the header of another format there would choose what the file is the next time,
 * and which files of the host it refers to.
 */
final class FirstSector {
    static final int SIZE = 512;

    private FirstSector() {}

    /**
     * Refuses a write after which the sector would look like another format.
     *
     * @param offset where the write begins, in the first sector
     */
    static void check(BlockDevice device, long offset, MemorySegment source) {
        byte[] bytes = new byte[SIZE];
        MemorySegment sector = MemorySegment.ofArray(bytes);
        long count = Math.min(source.byteSize(), SIZE - offset);
        if (count < SIZE) {
            device.read(0, sector);
        }
        MemorySegment.copy(source, 0, sector, offset, count);
        if (Formats.probed(bytes) != RawFormat.INSTANCE) {
            throw new BlockException.Denied(
                    device.image().name(),
                    "first sector",
                    "would look like another format; open the image as raw if that is meant");
        }
    }
}
