package dev.gaur.graph;

import dev.gaur.storage.nbd.NbdAddress;

/**
 * Names that say which driver they are for: {@code null-co://}, {@code blkdebug:CONFIG:FILE},
 * {@code file:PATH}, {@code nbd://HOST/EXPORT}. Only users may write them; what an image names
 * never comes here.
 */
final class Protocols {
    private static final String DEBUG = "blkdebug:";

    private Protocols() {}

    private static boolean isNothing(String name) {
        return name.startsWith("null-co://") || name.startsWith("null-aio://");
    }

    /** Returns the same options with what the name says in options of its own. */
    static OptionTree resolve(OptionTree tree) {
        String name = tree.text("filename", "");
        if (name.startsWith(DEBUG)) {
            return debug(tree, name.substring(DEBUG.length()));
        }
        if (NbdAddress.isAddress(name)) {
            return tree.with("driver", "nbd");
        }
        if (isNothing(name)) {
            return tree.with("driver", name.substring(0, name.indexOf(':'))).without("filename");
        }
        return tree.has("filename") ? tree.with("filename", Locations.ofUser(name)) : tree;
    }

    private static OptionTree debug(OptionTree tree, String configAndFile) {
        int colon = configAndFile.indexOf(':');
        if (colon < 0) {
            throw OptionReader.refusal("blkdebug requires both config file and image path");
        }
        OptionTree named = tree.without("filename").with("driver", "blkdebug");
        OptionTree configured =
                colon == 0 ? named : named.with("config", configAndFile.substring(0, colon));
        return configured.with("image.filename", configAndFile.substring(colon + 1));
    }
}
