package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.storage.Reference;
import java.util.List;
import java.util.Optional;

/**
 * Finds what a header leads to: the mapping, the files it names, what it says of itself. Static.
 */
final class ImageParts {
    private static final int ENOENT = 2;

    private ImageParts() {}

    private static void requireWritable(String image, Header header, FormatOptions options) {
        WriteEngine.requireWritable(image, header);
        if (!options.snapshot().isEmpty()) {
            throw new BlockException.Denied(image, "", "a snapshot cannot be written to");
        }
    }

    /** Refuses to write what cannot be, and options that cannot be, these in QEMU's words. */
    static void requirePossible(StorageNode file, Header header, FormatOptions options) {
        if (file.writable()) {
            requireWritable(file.name(), header, options);
        }
        long counts = CacheSizes.of(options, header).countBytes();
        if (counts >>> header.clusterBits() > Integer.MAX_VALUE) {
            throw new BlockException.Unsupported("", "", "Refcount cache size too big");
        }
        boolean old = header.version() < 3;
        if (old && options.lazyRefcounts().orElse(false)) {
            throw new BlockException.Unsupported(
                    "",
                    "",
                    "Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility"
                            + " level");
        }
        if (old && options.discard().noUnref()) {
            throw new BlockException.Unsupported(
                    "", "", "discard-no-unref is only supported since qcow2 version 3");
        }
    }

    /** Picks the mapping of the active state or of a snapshot; the virtual size stays. */
    static MappingTables tables(
            StorageNode file, Header header, SnapshotTable snapshots, String snapshot) {
        Geometry geometry = header.geometry();
        int needed = Math.toIntExact(geometry.l1EntriesFor(header.virtualSize()));
        if (snapshot.isEmpty()) {
            return new MappingTables(file, geometry, "L1 table", header.l1TableOffset(), needed);
        }
        SnapshotTable.Snapshot chosen =
                snapshots
                        .find(snapshot)
                        .orElseThrow(
                                () ->
                                        new BlockException.Media(
                                                file.name(),
                                                "snapshot table",
                                                header.snapshotsOffset(),
                                                "there is no snapshot '" + snapshot + "'",
                                                ENOENT,
                                                null));
        chosen.checkL1(file.name(), geometry);
        int entries = (int) Math.min(needed, chosen.l1Entries());
        return new MappingTables(file, geometry, chosen.l1Name(), chosen.l1Offset(), entries);
    }

    /**
     * Finds the counts of an image that was not closed, by its journal or by all tables.
     *
     * @return the counts if the file does not have them
     */
    static Optional<CountState> repair(
            StorageNode file, LiveHeader header, Health health, FormatOptions options) {
        // The file's: an attempt that failed may have moved what it points to.
        header.reload(HeaderCodec.read(file));
        long cacheBytes = CacheSizes.of(options, header.get()).countBytes();
        Optional<CountState> found = JournalReplay.resume(file, header, health, cacheBytes);
        if (found.isEmpty()) {
            header.reload(Repair.withoutJournal(file, header.get()));
        }
        return found;
    }

    /** The limits of requests: those of what holds the data, but best in whole clusters. */
    static Limits limits(StorageNode data, Header header) {
        Limits below = data.limits();
        return new Limits(
                below.requestAlignment(),
                below.memoryAlignment(),
                Math.max(below.preferredSize(), 1 << header.clusterBits()));
    }

    /** What the mapping in the file is like. */
    static MappingReport mapping(
            StorageNode file, Header header, long below, FormatOptions options) {
        MappingTables tables = tables(file, header, SnapshotTable.read(file, header), "");
        long bound = CacheSizes.of(options, header).tableBytes();
        return new MappingScan(header, tables, below, bound).scan();
    }

    /** The snapshots that the file has after a change failed; if it cannot be read, those known. */
    static SnapshotTable snapshotsLeft(StorageNode file, SnapshotTable known) {
        try {
            return SnapshotTable.read(file, HeaderCodec.read(file)); // Perhaps it was switched.
        } catch (BlockException _) {
            return known;
        }
    }

    static Optional<Reference> backing(StorageNode file, Header header) {
        if (header.backingName().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new Reference(
                        Reference.Kind.BACKING_FILE,
                        header.backingName(),
                        header.extensionText(HeaderExtension.BACKING_FORMAT),
                        file.name()));
    }

    static Optional<Reference> dataFile(StorageNode file, Header header) {
        if (!header.has(Header.DATA_FILE)) {
            return Optional.empty();
        }
        String name = header.extensionText(HeaderExtension.DATA_FILE_NAME);
        if (name.isEmpty()) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "header extensions",
                    BlockException.NO_OFFSET,
                    "none names the external data file");
        }
        return Optional.of(new Reference(Reference.Kind.DATA_FILE, name, "raw", file.name()));
    }

    static ImageInfo.Qcow2 details(StorageNode file, Header header) {
        return new ImageInfo.Qcow2(
                header.version(),
                header.geometry().refcountBits(),
                header.compressionType() == 0 ? "zlib" : "zstd",
                (header.compatible() & Header.LAZY_REFCOUNTS) != 0,
                JournalPlace.isWanted(header),
                header.has(Header.CORRUPT),
                header.has(Header.EXTENDED_L2),
                (header.autoclear() & Header.DATA_FILE_RAW) != 0,
                List.of("", "aes", "luks").get(header.cryptMethod()),
                LuksHeader.read(file, header));
    }

    /**
     * What an image says of itself.
     *
     * @param live the bitmaps in memory, if any change was made
     */
    static ImageInfo info(
            StorageNode file,
            Header header,
            long length,
            SnapshotTable snapshots,
            Optional<BitmapStore> live) {
        BitmapDirectory directory =
                live.map(BitmapStore::directory)
                        .orElseGet(
                                () -> BitmapDirectory.read(file, header).lookedInto(file, header));
        List<BitmapInfo> bitmaps = live.map(BitmapStore::list).orElseGet(directory::infos);
        return new ImageInfo(
                file.name(),
                "qcow2",
                length,
                file.allocatedBytes(),
                file.length(),
                1 << header.clusterBits(),
                header.has(Header.DIRTY),
                header.cryptMethod() != 0,
                backing(file, header),
                dataFile(file, header),
                snapshots.infos(),
                BitmapDirectory.sound(bitmaps),
                directory.warnings(bitmaps),
                details(file, header));
    }
}
