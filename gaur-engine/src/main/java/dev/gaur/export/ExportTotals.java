package dev.gaur.export;

/**
 * What an export has done since it was made, by kind of request; those that failed are counted, but
 * not their bytes.
 *
 * @param others requests for status, and to cache
 * @param errors requests of any kind that were answered with an error
 */
public record ExportTotals(
        long reads,
        long readBytes,
        long writes,
        long writtenBytes,
        long zeroes,
        long trims,
        long flushes,
        long others,
        long errors) {
    /** Returns the number of all requests. */
    public long requests() {
        return reads + writes + zeroes + trims + flushes + others;
    }
}
