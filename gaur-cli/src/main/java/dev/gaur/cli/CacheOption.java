package dev.gaur.cli;

import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.CacheMode;

/** The cache mode of commands that write into images. */
final class CacheOption {
    static final Option OPTION =
            Option.valued("t", "cache", "MODE", "cache mode: writeback; unsafe never waits");

    private CacheOption() {}

    /** Returns a request for writing, as the common options and the cache mode say. */
    static OpenRequest request(Invocation call) {
        return Options.request(call, Options.FORMAT)
                .withShared(false)
                .withWritable(true)
                .withCache(check(call.value(OPTION, "writeback"), "cache option"));
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
