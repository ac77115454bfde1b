package dev.gaur.cli;

import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.CacheMode;

/** The cache modes of commands: for what they write, and for what they only read. */
final class CacheOption {
    private static final String MODES = "none, writeback, writethrough, directsync or unsafe";

    /** For images that are changed; {@code info} has the letter for what it looks at. */
    static final Option OPTION =
            Option.valued("t", "cache", "MODE", "cache mode of the image: " + MODES);

    /** For images that are read. */
    static final Option SOURCE =
            Option.valued("T", "source-cache", "MODE", "cache mode of what is read: " + MODES);

    private CacheOption() {}

    /** Returns a request for writing, as the common options and the cache mode say. */
    static OpenRequest request(Invocation call) {
        return Options.request(call, Options.FORMAT)
                .withShared(false)
                .withWritable(true)
                .withCache(mode(call));
    }

    /** Returns the mode for what is written. */
    static CacheMode mode(Invocation call) {
        return check(call.value(OPTION, "writeback"), "cache option");
    }

    /** Returns the mode for what is read. */
    static CacheMode sourceMode(Invocation call, Option option) {
        return check(call.value(option, "writeback"), "source cache option");
    }

    /**
     * Finds a cache mode.
     *
     * @param what the option's name in qemu-img's words
     */
    static CacheMode check(String mode, String what) {
        return CacheMode.named(mode)
                .orElseThrow(() -> new CommandException("Invalid " + what + ": " + mode));
    }
}
