package dev.gaur.cli.figures;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The middle one of some numbers, the least and the greatest. All are 0 if there were none. */
record Spread(double median, double least, double most) {
    /** Of one round's number for each round. */
    static Spread of(double... numbers) {
        if (numbers.length == 0) {
            return new Spread(0, 0, 0);
        }
        double[] sorted = numbers.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median =
                sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[sorted.length - 1]);
    }

    static Spread of(List<Sample> samples, ToDoubleFunction<Sample> what) {
        return of(samples.stream().mapToDouble(what).toArray());
    }

    /**
     * Of the ratios of two measurements, round by round: what changed from one round to the next is
     * no part of it. Rounds that only one of them has do not count.
     */
    static Spread ofRatios(
            List<Sample> above,
            ToDoubleFunction<Sample> whatAbove,
            List<Sample> below,
            ToDoubleFunction<Sample> whatBelow) {
        double[] ratios = new double[Math.min(above.size(), below.size())];
        int count = 0;
        for (int i = 0; i < ratios.length; i++) {
            double divisor = whatBelow.applyAsDouble(below.get(i));
            if (divisor > 0) {
                ratios[count++] = whatAbove.applyAsDouble(above.get(i)) / divisor;
            }
        }
        return of(Arrays.copyOf(ratios, count));
    }

    boolean isEmpty() {
        return most == 0;
    }

    /** Returns it as a ratio, such as {@code 0.97 (0.95-1.01)}; a dash if there is none. */
    String text() {
        return isEmpty()
                ? "-"
                : String.format(Locale.ROOT, "%.2f (%.2f-%.2f)", median, least, most);
    }
}
