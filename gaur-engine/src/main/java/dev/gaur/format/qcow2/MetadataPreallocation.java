package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Guesses whether an image was made with preallocated mapping: if more clusters are counted than
 * the file takes up space for. QEMU guesses by the same rule, so both see the same holes.
 */
final class MetadataPreallocation {
    private MetadataPreallocation() {}

    /** Looks at no more counts than it takes to know. Damaged counts are taken for zeros. */
    static boolean isLikely(StorageNode file, Header header) {
        if (file.allocatedBytes() == StorageNode.UNKNOWN) {
            return false;
        }
        Geometry geometry = header.geometry();
        long taken = geometry.clusterIndex(file.allocatedBytes());
        long threshold = Math.max(taken * 10 / 9, taken + 2);
        long inFile = geometry.clustersFor(file.length());
        if (inFile < threshold) {
            return false;
        }
        long counted = 0;
        try (BufferPool.Lease lease = new BufferPool(geometry.clusterSize(), 1).lease()) {
            MemorySegment block = lease.segment();
            long blocks = geometry.refcountTableIndex(inFile - 1) + 1;
            for (long i = 0; i < blocks && counted < threshold; i++) {
                if (readBlock(file, header, i, block)) {
                    long first = i * geometry.refcountsPerBlock();
                    counted += count(block, geometry, inFile - first);
                }
            }
        }
        return counted >= threshold;
    }

    /** Reads a block of counts; false if there is none or it cannot be. */
    private static boolean readBlock(
            StorageNode file, Header header, long index, MemorySegment block) {
        Geometry geometry = header.geometry();
        long tableEntries =
                (long) header.refcountTableClusters() * geometry.tableEntriesPerCluster();
        long entryOffset = header.refcountTableOffset() + index * Long.BYTES;
        if (index >= tableEntries || entryOffset > file.length() - Long.BYTES) {
            return false;
        }
        MemorySegment entry = block.asSlice(0, Long.BYTES);
        file.read(entryOffset, entry);
        long offset = Bytes.u64(entry, 0);
        if (offset <= 0
                || !geometry.isAligned(offset)
                || offset > file.length() - block.byteSize()) {
            return false;
        }
        file.read(offset, block);
        return true;
    }

    private static long count(MemorySegment block, Geometry geometry, long most) {
        int entries = (int) Math.min(geometry.refcountsPerBlock(), most);
        long count = 0;
        for (int i = 0; i < entries; i++) {
            if (RefcountBlock.get(block, geometry.refcountOrder(), i) != 0) {
                count++;
            }
        }
        return count;
    }
}
