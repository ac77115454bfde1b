package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;

/**
 * The view by which an image is read and changed now. Another one takes its place while no request
 * is under way; if it cannot be made nobody reads by the old one, whose tables may lead to what is
 * somebody else's by then.
 */
final class ShownView {
    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final CompressedClusters compressed;
    private final FormatOptions options;
    private final LiveHeader header;
    private final Health health;
    private volatile View view;
    private volatile boolean stale;

    /** Shows an image as its file has it. */
    ShownView(
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            CompressedClusters compressed,
            FormatOptions options,
            LiveHeader header,
            Health health,
            MappingTables tables) {
        this.file = file;
        this.data = data;
        this.backing = backing;
        this.compressed = compressed;
        this.options = options;
        this.header = header;
        this.health = health;
        this.view = make(header.get(), tables, CowTable.NONE);
    }

    private View make(Header now, MappingTables tables, CowTable waiting) {
        CacheSizes sizes = CacheSizes.lasting(options, now);
        return View.of(now, tables, file, data, backing, compressed, sizes, waiting);
    }

    /** The view, perhaps of before: for who reads nothing by it, or knows that nothing failed. */
    View get() {
        return view;
    }

    /** The view, for who reads by it. */
    View toRead() {
        if (stale) {
            health.check();
        }
        return view;
    }

    /** Has requests use other tables from now on; while none is under way. */
    void show(MappingTables tables, CowTable waiting) {
        View next = make(header.get(), tables, waiting);
        next.cache().continueFrom(view.cache());
        view = next;
    }

    /** The same with the active state that the file has, and nothing of it in memory. */
    void showFile(SnapshotTable snapshots) {
        stale = true;
        try {
            show(ImageParts.tables(file, header.get(), snapshots, ""), CowTable.NONE);
            stale = false;
        } catch (RuntimeException | Error failed) {
            health.fail(failed);
            throw failed;
        }
    }
}
