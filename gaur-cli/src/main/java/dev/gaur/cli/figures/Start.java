package dev.gaur.cli.figures;

/** What an image is like before it is measured. */
enum Start {
    /** Made by {@code gaur create}, and nothing else. */
    EMPTY,
    /** An overlay over a raw file that is one hole. */
    OVER_ZEROS,
    /** An overlay over a raw file full of data. */
    OVER_RAW,
    /** An overlay over a qcow2 image full of data. */
    OVER_QCOW2,
    /** Full of data, with an internal snapshot that has all of it. */
    SNAPSHOT,
    /** Full of compressed clusters. */
    COMPRESSED,
    /** Full of data; requests do not change how it is stored. */
    WRITTEN,
    /** Large and mapped from its first to its last cluster, with blocks of data all over. */
    IN_ORDER,
    /** Large, with blocks of data all over whose clusters lie in the file in random order. */
    SCATTERED;

    /** Tells whether one image serves every measurement. */
    boolean isShared() {
        return this == WRITTEN || this == IN_ORDER || this == SCATTERED;
    }
}
