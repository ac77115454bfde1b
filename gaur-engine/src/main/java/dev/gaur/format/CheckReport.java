package dev.gaur.format;

/**
 * The outcome of a check; counters as in QEMU's {@code ImageCheck}.
 *
 * @param failure why the check ended early, in the system's words for the error; empty if it went
 *     through. Counters then say what was found until then
 * @param checkErrors what could not be checked
 * @param corruptions what is or will be lost
 * @param leaks clusters counted but not used
 * @param imageEndOffset byte after the last cluster that is counted or referenced
 * @param totalClusters clusters of the virtual disk
 * @param allocatedClusters of these, with data of their own
 * @param compressedClusters of these, compressed
 * @param fragmentedClusters of these, not behind their predecessor in the file
 * @param corruptionsFixed corruptions that were repaired; not among {@code corruptions}
 * @param leaksFixed leaks that were repaired; not among {@code leaks}
 */
public record CheckReport(
        String failure,
        long checkErrors,
        long corruptions,
        long leaks,
        long imageEndOffset,
        long totalClusters,
        long allocatedClusters,
        long compressedClusters,
        long fragmentedClusters,
        long corruptionsFixed,
        long leaksFixed) {
    /** The report of a check alone, which repairs nothing. */
    public CheckReport(
            String failure,
            long checkErrors,
            long corruptions,
            long leaks,
            long imageEndOffset,
            long totalClusters,
            long allocatedClusters,
            long compressedClusters,
            long fragmentedClusters) {
        this(
                failure,
                checkErrors,
                corruptions,
                leaks,
                imageEndOffset,
                totalClusters,
                allocatedClusters,
                compressedClusters,
                fragmentedClusters,
                0,
                0);
    }

    /** The report of a check that ended early. */
    public static CheckReport failed(String failure, long checkErrors, long corruptions) {
        return new CheckReport(failure, checkErrors, corruptions, 0, 0, 0, 0, 0, 0);
    }

    /** The same outcome, after a repair that fixed this much. */
    public CheckReport afterRepair(long newCorruptionsFixed, long newLeaksFixed) {
        return new CheckReport(
                failure,
                checkErrors,
                corruptions,
                leaks,
                imageEndOffset,
                totalClusters,
                allocatedClusters,
                compressedClusters,
                fragmentedClusters,
                newCorruptionsFixed,
                newLeaksFixed);
    }

    /** Tells whether nothing is wrong. */
    public boolean isClean() {
        return checkErrors == 0 && corruptions == 0 && leaks == 0;
    }
}
