package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class BarChartTest {
    private static final double TOLERANCE = 0.2;

    /** What stands between the angle brackets of elements of a class. */
    private static List<String> all(String svg, String tag, String kind) {
        return Pattern.compile("<" + tag + " class=\"(?:\\w+ )*" + kind + "(?: [\\w-]+)*\"[^>]*>")
                .matcher(svg)
                .results()
                .map(MatchResult::group)
                .toList();
    }

    private static double number(String element, String attribute) {
        Matcher found = Pattern.compile(" " + attribute + "=\"([0-9.]+)\"").matcher(element);
        assertTrue(found.find(), element);
        return Double.parseDouble(found.group(1));
    }

    /** Where the line of the first bar begins and ends. */
    private static double[] ends(String svg) {
        String line = all(svg, "path", "spread").getFirst();
        Matcher found = Pattern.compile("M([0-9.]+) [0-9.]+H([0-9.]+)M").matcher(line);
        assertTrue(found.find(), line);
        return new double[] {
            Double.parseDouble(found.group(1)), Double.parseDouble(found.group(2))
        };
    }

    private static BarChart.Bar bar(double... numbers) {
        return new BarChart.Bar("gaur-first", "a bar", Spread.of(numbers));
    }

    @Test
    void aBarIsAsLongAsItsMedian() {
        BarChart chart = new BarChart("k", "t", "d");
        chart.add("one", List.of(bar(1)));
        chart.add("half", List.of(bar(0.4, 0.5, 0.9)));
        String svg = chart.draw();

        List<String> bars = all(svg, "rect", "bar");
        double one = number(bars.get(0), "width");
        assertEquals(one / 2, number(bars.get(1), "width"), TOLERANCE);
        assertEquals(number(bars.get(0), "x"), number(bars.get(1), "x"));
        assertTrue(number(bars.get(0), "height") > 5);
        assertTrue(number(bars.get(1), "y") > number(bars.get(0), "y") + 5);
    }

    @Test
    void theLineThroughItGoesFromTheLeastToTheGreatest() {
        BarChart chart = new BarChart("k", "t", "d");
        chart.add("half", List.of(bar(0.4, 0.5, 0.9)));
        String svg = chart.draw();

        String rectangle = all(svg, "rect", "bar").getFirst();
        double[] ends = ends(svg);
        double unit = number(rectangle, "width") / 0.5;
        double left = number(rectangle, "x");
        assertEquals(left + 0.4 * unit, ends[0], TOLERANCE);
        assertEquals(left + 0.9 * unit, ends[1], TOLERANCE);
        String raw = all(svg, "line", "raw").getFirst();
        assertEquals(left + unit, number(raw, "x1"), TOLERANCE);
    }

    @Test
    void theAxisHoldsTheLongestLine() {
        for (double most : new double[] {0.01, 0.99, 1, 1.3, 2, 7.7, 54, 1234}) {
            BarChart chart = new BarChart("k", "t", "d");
            chart.add("bar", List.of(bar(most / 2, most)));
            String svg = chart.draw();

            double width = 920;
            assertTrue(svg.contains("viewBox=\"0 0 920 "), svg);
            assertTrue(ends(svg)[1] < width, "" + most);
            int ticks = all(svg, "text", "tick").size();
            assertTrue(ticks >= 3 && ticks <= 10, most + ": " + ticks);
        }
    }

    @Test
    void itSaysWhatItIsToThoseWhoCannotSeeIt() {
        BarChart chart = new BarChart("key", "a title", "a description");
        chart.add("one", List.of(bar(1)));
        String svg = chart.draw();

        assertTrue(svg.contains(" role=\"img\" aria-labelledby=\"key-title key-desc\">"), svg);
        assertTrue(svg.contains("<title id=\"key-title\">a title</title>"), svg);
        assertTrue(svg.contains("<desc id=\"key-desc\">a description</desc>"), svg);
    }

    @Test
    void noTextIsTakenForMarkup() {
        String hostile = "<script>\"&'</script>";
        BarChart chart = new BarChart("k", hostile, hostile);
        chart.add(hostile, List.of(new BarChart.Bar("gaur-first", hostile, Spread.of(1))));
        String svg = chart.draw();

        assertFalse(svg.contains("<script>"), svg);
        assertTrue(svg.contains(">&lt;script&gt;&quot;&amp;'&lt;/script&gt;</text>"), svg);
    }
}
