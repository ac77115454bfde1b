package dev.gaur.format;

import dev.gaur.block.StorageNode;
import java.util.Optional;

/** An image format: recognises and opens its images. Stateless, safe for many threads. */
public interface ImageFormat {
    /** How many bytes of a file {@link #probe} wants to see. */
    int PROBE_BYTES = 2048;

    /** Returns the format's name as QEMU has it, such as {@code qcow2}. */
    String name();

    /**
     * Tells how surely the file is of this format.
     *
     * @param head the first bytes of the file, at most {@link #PROBE_BYTES}
     * @return 0 for no, 1 for the last resort (raw), up to 100
     */
    int probe(byte[] head);

    /**
     * Opens an image for reading. Changes no byte (invariant Q11). The image owns the storage from
     * then on; if opening fails, the caller still does.
     *
     * @param references opens what the image names, or refuses
     * @throws dev.gaur.block.BlockException if the file is damaged, refused or of a kind not
     *     supported
     */
    Image open(StorageNode storage, FormatOptions options, ReferenceOpener references);

    /**
     * Makes a checker of a file that need not be fit to be opened: only its header is looked at
     * here. The storage stays the caller's.
     *
     * @return empty if the format has no checker
     * @throws dev.gaur.block.BlockException if the header does not say what to check
     */
    default Optional<Checker> checker(StorageNode storage) {
        return Optional.empty();
    }

    /**
     * Makes a repairer of a file, under the same terms. Nothing is changed before it is told to.
     *
     * @param storage writable, and nobody else's meanwhile ({@link StorageNode#excludeWriters})
     * @return empty if the format has none
     * @throws dev.gaur.block.BlockException if the header does not say what to repair
     */
    default Optional<Repairer> repairer(StorageNode storage) {
        return Optional.empty();
    }
}
