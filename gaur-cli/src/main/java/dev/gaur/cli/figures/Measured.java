package dev.gaur.cli.figures;

import dev.gaur.storage.CacheMode;

/** What has one number in each round, or two: the first pass over an image, and those after it. */
record Measured(Figure figure, CacheMode cache, Way way, Variant variant, Pattern pattern) {
    /** Tells whether the first pass is measured. */
    boolean hasFirst() {
        return pattern.write() && variant.hasFirst();
    }

    /** Returns its name for people. */
    String title() {
        return figure.key()
                + ", "
                + pattern.title()
                + ", "
                + variant.title()
                + (cache.direct() ? ", O_DIRECT" : "")
                + ", "
                + way.title();
    }
}
