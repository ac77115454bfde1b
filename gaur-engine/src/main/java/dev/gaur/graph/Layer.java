package dev.gaur.graph;

/**
 * An image to be opened: by name, as options say, or both.
 *
 * @param location the name; empty if the options say where it is
 * @param format the format that somebody states, empty if none; counts more than the options
 * @param tree the options of its node
 * @param ofImage the location is a path that an image led to: whatever it looks like, it is a file
 */
record Layer(String location, String format, OptionTree tree, boolean ofImage) {
    private static final String JSON = "json:";

    /** What the user gave: a {@code json:} name is a tree. */
    static Layer ofUser(String location, OptionTree tree, OpenRequest request) {
        if (request.has(OpenRequest.Extra.OF_IMAGE)) {
            return new Layer(Locations.ofUser(location), request.format(), tree, true);
        }
        if (request.has(OpenRequest.Extra.IMAGE_OPTS) && !location.isEmpty()) {
            return new Layer(
                    "", request.format(), OptionTree.ofImageOpts(location).with(tree), false);
        }
        if (location.startsWith(JSON)) {
            OptionTree named = OptionTree.ofJson(location.substring(JSON.length()));
            return new Layer("", request.format(), named.with(tree), false);
        }
        if (location.isEmpty() && tree.isEmpty() && !request.has(OpenRequest.Extra.IMAGE_OPTS)) {
            OptionTree nameless = tree.with("file.driver", "file").with("file.filename", "");
            return new Layer("", request.format(), nameless, false);
        }
        return new Layer(location, request.format(), tree, false);
    }

    /** Returns the options, with the format in them. */
    OptionTree options() {
        return format.isEmpty() ? tree : tree.with("driver", format);
    }
}
