package dev.gaur.format;

import dev.gaur.storage.Reference;
import java.util.List;
import java.util.Optional;

/**
 * What an image says of itself. Sizes in bytes. Nothing in it was verified by opening another file.
 *
 * @param name the file name, as the image was opened
 * @param format QEMU's name of the format
 * @param virtualSize size of the virtual disk
 * @param allocatedBytes what the file really takes up on its file system, negative if nobody knows
 * @param fileLength length of the file
 * @param clusterSize unit of allocation, 0 if the format has none
 * @param dirty not closed cleanly: counts may be stale
 * @param encrypted content is encrypted
 * @param backing the backing file that the image names
 * @param dataFile the external data file that the image names
 * @param snapshots internal snapshots, in the image's order
 * @param bitmaps stored dirty bitmaps, in the image's order
 * @param warnings what is damaged in the image without making it unreadable, a line for each
 * @param details what only this format has
 */
public record ImageInfo(
        String name,
        String format,
        long virtualSize,
        long allocatedBytes,
        long fileLength,
        int clusterSize,
        boolean dirty,
        boolean encrypted,
        Optional<Reference> backing,
        Optional<Reference> dataFile,
        List<SnapshotInfo> snapshots,
        List<BitmapInfo> bitmaps,
        List<String> warnings,
        Details details) {

    /** An image without anything to warn of. */
    public ImageInfo(
            String name,
            String format,
            long virtualSize,
            long allocatedBytes,
            long fileLength,
            int clusterSize,
            boolean dirty,
            boolean encrypted,
            Optional<Reference> backing,
            Optional<Reference> dataFile,
            List<SnapshotInfo> snapshots,
            List<BitmapInfo> bitmaps,
            Details details) {
        this(
                name,
                format,
                virtualSize,
                allocatedBytes,
                fileLength,
                clusterSize,
                dirty,
                encrypted,
                backing,
                dataFile,
                snapshots,
                bitmaps,
                List.of(),
                details);
    }

    /** What only one format has. */
    public sealed interface Details {}

    /** A raw image: nothing more to say. */
    public record Raw() implements Details {}

    /**
     * A qcow2 image.
     *
     * @param version 2 (compat 0.10) or 3 (compat 1.1)
     * @param refcountBits width of a reference count
     * @param compression {@code zlib} or {@code zstd}
     * @param lazyRefcounts compatible feature bit 0
     * @param journal changes of counts go to a journal
     * @param corrupt incompatible feature bit 1
     * @param extendedL2 incompatible feature bit 4
     * @param dataFileRaw autoclear bit 1: the data file alone is a raw image of the disk
     * @param encryption {@code aes}, {@code luks} or empty
     * @param luks what its LUKS header says, if there is one
     */
    public record Qcow2(
            int version,
            int refcountBits,
            String compression,
            boolean lazyRefcounts,
            boolean journal,
            boolean corrupt,
            boolean extendedL2,
            boolean dataFileRaw,
            String encryption,
            Optional<LuksInfo> luks)
            implements Details {}
}
