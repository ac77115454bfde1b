package dev.gaur.cli.figures;

import java.util.List;

/**
 * The results of one kind of image in one chart.
 *
 * @param what was measured
 * @param samples of all rounds
 * @param reference samples of our raw, by the same kind of way
 */
record Row(Measured what, List<Sample> samples, List<Sample> reference) {
    boolean hasFirst() {
        return what.hasFirst();
    }

    /** Returns its name within the chart. */
    String label() {
        return what.way() == Way.QEMU
                ? "qemu-nbd: " + what.variant().title()
                : what.variant().title();
    }

    Spread first() {
        return Spread.of(samples, Sample::first);
    }

    Spread firstFlushed() {
        return Spread.of(samples, Sample::firstFlushed);
    }

    Spread again() {
        return Spread.of(samples, Sample::again);
    }

    Spread firstToAgain() {
        return Spread.ofRatios(samples, Sample::first, samples, Sample::again);
    }

    /** The first pass against raw's passes after its first. */
    Spread firstToRaw() {
        return Spread.ofRatios(samples, Sample::first, reference, Sample::again);
    }

    /** The first pass against raw's first pass. */
    Spread firstToRawsFirst() {
        return Spread.ofRatios(samples, Sample::first, reference, Sample::first);
    }

    /** Later passes against raw's. */
    Spread againToRaw() {
        return Spread.ofRatios(samples, Sample::again, reference, Sample::again);
    }
}
