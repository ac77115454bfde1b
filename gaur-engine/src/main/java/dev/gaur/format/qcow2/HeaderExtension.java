package dev.gaur.format.qcow2;

/**
 * One header extension as it stands in the file; its meaning is found by {@link HeaderCodec}. The
 * data is not copied: nobody changes it.
 *
 * <p>Source: the specification, "Header extensions".
 */
record HeaderExtension(int type, byte[] data) {
    /** End of the extensions. */
    static final int END = 0;

    /** Format of the backing file: a string. */
    static final int BACKING_FORMAT = 0xe2792aca;

    /** Name of the external data file: a string. */
    static final int DATA_FILE_NAME = 0x44415441;

    /** Names of feature bits, for messages. */
    static final int FEATURE_NAMES = 0x6803f857;

    /** Where the bitmap directory is. */
    static final int BITMAPS = 0x23852875;

    /** Where the LUKS header is. */
    static final int ENCRYPTION_HEADER = 0x0537be77;

    /** Gaur's: where the journal is. The letters GAUR. */
    static final int JOURNAL = 0x47415552;
}
