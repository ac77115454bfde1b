package dev.gaur.cli.figures;

/**
 * A kind of image, and how it is opened.
 *
 * @param key for choosing it
 * @param title for people
 * @param format raw or qcow2
 * @param start what it is like before it is measured
 * @param createOptions as {@code gaur create -o} takes them; may be empty
 * @param openOptions driver options, as in {@code --image-opts}; may be empty
 * @param length of its disk; 0 for the length that all others have
 * @param peers whether QEMU has the same
 */
record Variant(
        String key,
        String title,
        String format,
        Start start,
        String createOptions,
        String openOptions,
        long length,
        boolean peers) {
    /** What all others are compared with. */
    static final String RAW = "raw";

    /** The option for the size of the data cache; QEMU has none. */
    private static final String DATA_CACHE_OFF = "cow-cache-size=0";

    static Variant raw(Start start) {
        return new Variant(RAW, "raw", RAW, start, "", "", 0, true);
    }

    static Variant qcow2(String key, String title, Start start) {
        return new Variant(key, title, "qcow2", start, "", "", 0, true);
    }

    Variant named(String otherKey, String otherTitle) {
        return new Variant(
                otherKey, otherTitle, format, start, createOptions, openOptions, length, peers);
    }

    Variant created(String options) {
        return new Variant(key, title, format, start, options, openOptions, length, peers);
    }

    Variant opened(String options) {
        return new Variant(key, title, format, start, createOptions, options, length, peers);
    }

    Variant of(long otherLength) {
        return new Variant(
                key, title, format, start, createOptions, openOptions, otherLength, peers);
    }

    /** The same, of which QEMU knows nothing. */
    Variant ours() {
        return new Variant(key, title, format, start, createOptions, openOptions, length, false);
    }

    /** The same without the data cache. */
    Variant withoutDataCache() {
        return named(key + "-uncached", title + ", no data cache").opened(DATA_CACHE_OFF).ours();
    }

    boolean isRaw() {
        return key.equals(RAW);
    }

    /** Tells whether the first requests differ from those that follow. */
    boolean hasFirst() {
        return !start.isShared();
    }

    /** Returns driver options for a file: the text of {@code --image-opts}. */
    String imageOptions(String file) {
        String options = "driver=" + format + ",file.driver=file,file.filename=";
        options += file.replace(",", ",,");
        return openOptions.isEmpty() ? options : options + "," + openOptions;
    }
}
