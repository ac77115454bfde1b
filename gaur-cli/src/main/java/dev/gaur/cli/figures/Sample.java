package dev.gaur.cli.figures;

/**
 * One round's result.
 *
 * @param first requests per second of the first pass, 0 if that is not measured
 * @param flushSeconds what the flush after the first pass took
 * @param again requests per second of later passes
 * @param requests of a pass
 * @param young requests per second of the first pass that the server did at all, over another image
 *     of the same kind; 0 if that is not measured
 */
record Sample(double first, double flushSeconds, double again, int requests, double young) {
    Sample(double first, double flushSeconds, double again, int requests) {
        this(first, flushSeconds, again, requests, 0);
    }

    /** The same of a server that was as fast when it had just started. */
    Sample withYoung(double rate) {
        return new Sample(first, flushSeconds, again, requests, rate);
    }

    /** Requests per second of the first pass when the flush after it counts, too. */
    double firstFlushed() {
        return first == 0 ? 0 : requests / (requests / first + flushSeconds);
    }
}
