package dev.gaur.storage.nbd;

/** Takes what a server says of a range, part by part. */
@FunctionalInterface
public interface StatusVisitor {
    /**
     * @param context what it is about, such as {@link dev.gaur.nbd.Nbd#BASE_ALLOCATION}
     * @param offset of the first byte; within a context parts come in order and without gaps
     * @param length in bytes
     * @param state what the context says, such as {@link dev.gaur.nbd.Nbd#STATE_HOLE}
     */
    void visit(String context, long offset, long length, long state);
}
