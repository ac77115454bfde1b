package dev.gaur.cli.figures;

/**
 * One round's result.
 *
 * @param first requests per second of the first pass, 0 if that is not measured
 * @param flushSeconds what the flush after the first pass took
 * @param again requests per second of later passes
 * @param requests of a pass
 */
record Sample(double first, double flushSeconds, double again, int requests) {
    /** Requests per second of the first pass when the flush after it counts, too. */
    double firstFlushed() {
        return first == 0 ? 0 : requests / (requests / first + flushSeconds);
    }
}
