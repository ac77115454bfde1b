package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {
    private static Sample sample(double first, double again) {
        return new Sample(first, 0, again, 100);
    }

    @Test
    void ofAnOddNumberTheMiddleOneIsTheMedian() {
        assertEquals(new Spread(3, 1, 9), Spread.of(9, 1, 3));
    }

    @Test
    void ofAnEvenNumberItIsBetweenTheTwoInTheMiddle() {
        assertEquals(new Spread(2.5, 1, 9), Spread.of(9, 1, 3, 2));
    }

    @Test
    void ofNothingThereIsNothing() {
        assertTrue(Spread.of().isEmpty());
        assertEquals("-", Spread.of().text());
    }

    @Test
    void ratiosAreTakenRoundByRound() {
        // The machine is twice as slow in the second round; the ratio is the same.
        List<Sample> above = List.of(sample(50, 0), sample(25, 0));
        List<Sample> below = List.of(sample(0, 100), sample(0, 50));

        Spread ratio = Spread.ofRatios(above, Sample::first, below, Sample::again);

        assertEquals(new Spread(0.5, 0.5, 0.5), ratio);
        assertEquals("0.50 (0.50-0.50)", ratio.text());
    }

    @Test
    void roundsThatOnlyOneHasDoNotCount() {
        List<Sample> above = List.of(sample(50, 0), sample(25, 0));
        List<Sample> below = List.of(sample(0, 100));

        assertEquals(
                new Spread(0.5, 0.5, 0.5),
                Spread.ofRatios(above, Sample::first, below, Sample::again));
    }

    @Test
    void whatWasNotMeasuredIsNoDivisor() {
        List<Sample> some = List.of(sample(0, 100));

        assertTrue(Spread.ofRatios(some, Sample::again, some, Sample::first).isEmpty());
    }

    @Test
    void aFlushAfterTheFirstPassCountsAsTimeOfIt() {
        Sample sample = new Sample(1000, 0.1, 0, 100);

        assertEquals(500, sample.firstFlushed(), 0.001);
        assertEquals(0, sample(0, 7).firstFlushed());
    }
}
