package dev.gaur.format;

/**
 * What becomes of discards, and of space in the file that is no longer needed.
 *
 * @param unmap whether discards are obeyed and zeros may give space back ({@code discard=unmap});
 *     if not, a discard succeeds and does nothing
 * @param passRequest whether space that a discard frees is given back to the file system ({@code
 *     pass-discard-request})
 * @param passSnapshot the same for space that the deletion of a snapshot frees ({@code
 *     pass-discard-snapshot})
 * @param passOther the same for all other space ({@code pass-discard-other})
 * @param noUnref whether a discarded cluster keeps its place in the file, so that the file does not
 *     become fragmented ({@code discard-no-unref})
 */
public record DiscardOptions(
        boolean unmap,
        boolean passRequest,
        boolean passSnapshot,
        boolean passOther,
        boolean noUnref) {
    /** Discards are obeyed; what they and deleted snapshots free goes back to the file system. */
    public static final DiscardOptions DEFAULT = new DiscardOptions(true, true, true, false, false);

    /** Discards do nothing: QEMU's {@code discard=ignore}. */
    public static final DiscardOptions IGNORE =
            new DiscardOptions(false, false, true, false, false);

    /** The same with discards obeyed and passed on, or neither. */
    public DiscardOptions withUnmap(boolean other) {
        return new DiscardOptions(other, other, passSnapshot, passOther, noUnref);
    }
}
