package dev.gaur.format.raw;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.ReferenceOpener;

/** The format of every file that is of no other. */
public final class RawFormat implements ImageFormat {
    /** The only one; it has no state. */
    public static final RawFormat INSTANCE = new RawFormat();

    private static final int LAST_RESORT = 1;

    private RawFormat() {}

    @Override
    public String name() {
        return "raw";
    }

    @Override
    public int probe(byte[] head) {
        return LAST_RESORT;
    }

    @Override
    public Image open(StorageNode storage, FormatOptions options, ReferenceOpener references) {
        if (!options.snapshot().isEmpty()) {
            throw new BlockException.Unsupported(
                    storage.name(), "snapshot", "raw images have no snapshots");
        }
        return new RawImage(storage);
    }
}
