package dev.gaur.cli;

import dev.gaur.graph.OpenRequest;

/** Options that several commands have, and the words for them. */
final class Options {
    static final Option HELP = Option.flag("h", "help", "show this help");
    static final Option FORMAT =
            Option.valued(
                    "f", "format", "FMT", "format of the image; without it, found by probing");
    static final Option IMAGE_OPTS =
            Option.flag("", "image-opts", "FILE is a list of driver options");
    static final Option OBJECT = Option.valued("", "object", "OBJECT", "define an object");
    static final Option OUTPUT =
            Option.valued("", "output", "FORM", "print for people (human) or programs (json)");
    static final Option SHARED =
            Option.flag("U", "force-share", "open although another process may be writing");
    static final Option QUIET = Option.flag("q", "quiet", "print nothing but errors");
    static final Option PROGRESS =
            Option.optional("p", "progress", "json", "show progress, or print it as lines of JSON");

    private Options() {}

    /**
     * Reads {@link #OUTPUT}.
     *
     * @return whether JSON is wanted
     */
    static boolean json(Invocation call) {
        String form = call.value(OUTPUT, "human");
        if (form.equals("json")) {
            return true;
        }
        if (form.equals("human")) {
            return false;
        }
        throw new CommandException("--output must be used with human or json as argument.");
    }

    /**
     * Returns a request for reading as the common options have it: format, list of driver options,
     * locks, credentials.
     */
    static OpenRequest request(Invocation call, Option format) {
        boolean imageOpts = call.has(IMAGE_OPTS);
        if (imageOpts && call.has(format)) {
            throw new CommandException("--image-opts and --format are mutually exclusive");
        }
        return OpenRequest.READ
                .withCredentials(UserObjects.of(call))
                .withFormat(call.value(format, ""))
                .withShared(call.has(SHARED))
                .withImageOpts(imageOpts);
    }

    /** Refuses options that a later version will have. */
    static void refuse(Invocation call, Option... later) {
        for (Option option : later) {
            if (call.has(option)) {
                throw new CommandException("--" + option.word() + " is not supported yet");
            }
        }
    }
}
