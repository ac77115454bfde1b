package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.CacheMode;

/** Opens an image that a command changes, with its backing files. */
final class ChangedImage {
    private ChangedImage() {}

    /** Opens an image for writing; one that was taken for a raw one is warned of. */
    static BlockDevice open(Invocation call, String file) {
        return open(call, file, CacheMode.WRITEBACK);
    }

    /** The same in a cache mode. */
    static BlockDevice open(Invocation call, String file, CacheMode cache) {
        if (call.has(Options.SHARED)) {
            throw new CommandException(
                    "Could not open '"
                            + file
                            + "': force-share=on can only be used with read-only images");
        }
        OpenRequest request = Options.request(call, Options.FORMAT).withWritable(true);
        return open(call, file, request.withCache(cache));
    }

    /** Opens an image as a request says. */
    static BlockDevice open(Invocation call, String file, OpenRequest request) {
        BlockDevice device;
        try {
            device = ChainOpener.open(file, request);
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(file, failure);
        }
        if (device.isGuessedRaw()) {
            call.err().print(guessedRaw(device.image().name()) + "\n");
        }
        return device;
    }

    /** QEMU's warning, three lines. */
    static String guessedRaw(String file) {
        return "WARNING: Image format was not specified for '"
                + file
                + "' and probing guessed raw.\n"
                + "         Automatically detecting the format is dangerous for raw images, write"
                + " operations on block 0 will be restricted.\n"
                + "         Specify the 'raw' format explicitly to remove the restrictions.";
    }
}
