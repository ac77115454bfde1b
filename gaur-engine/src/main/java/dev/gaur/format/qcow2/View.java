package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.PaddedNode;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;

/**
 * One state of the mapping and what reads through it. Resizing, or going back to a snapshot, puts
 * another view in its place while no request is under way.
 *
 * @param header as it was when the view was made; what the mapping depends on of it stays true
 * @param readPath what the tables lead to
 * @param reads what the guest sees: cached clusters over that
 * @param backing what lies below, not padded
 */
record View(
        Header header,
        TableCache cache,
        ClusterMap map,
        ReadPath readPath,
        CowReads reads,
        ExtentWalk extentWalk,
        BlockNode backing) {

    /** Makes a view, with an empty cache of tables and without cached clusters. */
    static View of(
            Header header,
            MappingTables tables,
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            CompressedClusters compressed,
            CacheSizes sizes) {
        return of(header, tables, file, data, backing, compressed, sizes, CowTable.NONE);
    }

    /** Makes a view, with an empty cache of tables. */
    static View of(
            Header header,
            MappingTables tables,
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            CompressedClusters compressed,
            CacheSizes sizes,
            CowTable cached) {
        Geometry geometry = header.geometry();
        long slices = geometry.l1EntriesFor(header.virtualSize()) * geometry.slicesPerTable();
        int loadBits = loadBits(sizes.loadBytes(), geometry);
        TableCache cache = new TableCache(slices, sizes, loadBits, tables, System::nanoTime);
        ClusterMap map = new ClusterMap(file.name(), header, tables, cache);
        BlockNode endless = backing == ZeroNode.INSTANCE ? backing : new PaddedNode(backing);
        ReadPath image = new ReadPath(map, geometry, file, data, endless, compressed);
        return new View(
                header,
                cache,
                map,
                image,
                new CowReads(cached, geometry, image),
                new ExtentWalk(map, header, file, data, backing, cached),
                backing);
    }

    /** How many slices, as a power of two, fill what is to be read at once of a table. */
    private static int loadBits(long bytes, Geometry geometry) {
        long slices = Math.clamp(bytes / geometry.sliceBytes(), 1, geometry.slicesPerTable());
        return Long.SIZE - 1 - Long.numberOfLeadingZeros(slices);
    }

    /** The size of the disk in bytes. */
    long length() {
        return header.virtualSize();
    }

    /**
     * The same for who must not rely on what lies below: changes of the mapping made with it hold
     * over any backing file.
     */
    View overAny() {
        return new View(header, cache, map, readPath, reads, extentWalk, AnyBacking.INSTANCE);
    }
}
