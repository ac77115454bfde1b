package dev.gaur.verify.zoo;

/** The fields of the header. Source: the specification, "Header". */
public enum HeaderField {
    MAGIC(0, 4),
    VERSION(4, 4),
    BACKING_OFFSET(8, 8),
    BACKING_SIZE(16, 4),
    CLUSTER_BITS(20, 4),
    SIZE(24, 8),
    CRYPT_METHOD(32, 4),
    L1_SIZE(36, 4),
    L1_OFFSET(40, 8),
    REFCOUNT_TABLE_OFFSET(48, 8),
    REFCOUNT_TABLE_CLUSTERS(56, 4),
    SNAPSHOT_COUNT(60, 4),
    SNAPSHOTS_OFFSET(64, 8),
    INCOMPATIBLE(72, 8),
    COMPATIBLE(80, 8),
    AUTOCLEAR(88, 8),
    REFCOUNT_ORDER(96, 4),
    HEADER_LENGTH(100, 4),
    COMPRESSION_TYPE(104, 1),
    PADDING(105, 7);

    private final int offset;
    private final int width;

    HeaderField(int offset, int width) {
        this.offset = offset;
        this.width = width;
    }

    /** Returns the field's first byte in the file. */
    public int offset() {
        return offset;
    }

    /** Returns the field's length in bytes. */
    public int width() {
        return width;
    }
}
