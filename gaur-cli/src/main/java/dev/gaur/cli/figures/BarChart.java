package dev.gaur.cli.figures;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Draws bars, from the left to the right, in groups, each with a line from the least to the
 * greatest number: SVG that stands within HTML.
 */
final class BarChart {
    private static final int WIDTH = 920;
    private static final int LEFT = 290;
    private static final int RIGHT = 70;
    private static final int TOP = 26;
    private static final int BOTTOM = 30;
    private static final int BAR = 11;
    private static final int GAP = 9;
    private static final int END = 5;

    /** About so many numbers stand at the axis. */
    private static final int TICKS = 6;

    private static final double[] STEPS = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100};

    private final String key;
    private final String title;
    private final String description;
    private final List<Group> groups = new ArrayList<>();
    private final Markup out = new Markup();

    /**
     * A bar.
     *
     * @param kind a class of the page's style
     * @param name what it is, for people who point at it
     */
    record Bar(String kind, String name, Spread spread) {}

    private record Group(String label, List<Bar> bars) {
        double height() {
            return bars.size() * BAR + GAP;
        }
    }

    BarChart(String key, String title, String description) {
        this.key = key;
        this.title = title;
        this.description = description;
    }

    /** Adds a group below the others. */
    void add(String label, List<Bar> bars) {
        groups.add(new Group(label, List.copyOf(bars)));
    }

    /** Returns the drawing. */
    String draw() {
        double bottom = TOP;
        for (Group group : groups) {
            bottom += group.height();
        }
        out.open(
                "svg",
                "viewBox",
                "0 0 " + WIDTH + " " + Math.round(bottom + BOTTOM),
                "role",
                "img",
                "aria-labelledby",
                key + "-title " + key + "-desc");
        out.element("title", title, "id", key + "-title");
        out.element("desc", description, "id", key + "-desc");
        axis(bottom);
        double top = TOP;
        for (Group group : groups) {
            draw(group, top);
            top += group.height();
        }
        return out.close("svg").toString();
    }

    /** Returns the greatest number at the axis. */
    private double end() {
        double most = 1;
        for (Group group : groups) {
            for (Bar bar : group.bars) {
                most = Math.max(most, bar.spread.most());
            }
        }
        double step = step(most);
        return Math.ceil(most / step + 0.01) * step;
    }

    /** Returns a round number from one tick to the next. */
    static double step(double most) {
        for (double step : STEPS) {
            if (most / step <= TICKS) {
                return step;
            }
        }
        return Math.ceil(most / TICKS);
    }

    private double x(double number) {
        return LEFT + number / end() * (WIDTH - LEFT - RIGHT);
    }

    private void axis(double bottom) {
        double end = end();
        double step = step(end / 1.01);
        for (int i = 0; i * step <= end + step / 2; i++) {
            double x = x(i * step);
            boolean raw = Math.abs(i * step - 1) < step / 100;
            String kind = raw ? "raw" : "grid";
            out.empty("line", "class", kind, "x1", x, "x2", x, "y1", TOP - 4.0, "y2", bottom);
            String number = String.format(Locale.ROOT, step < 1 ? "%.1f" : "%.0f", i * step);
            out.element("text", number, "class", "tick", "x", x, "y", bottom + 16);
        }
        if (end > 1) { // There may be no tick.
            double x = x(1);
            out.empty("line", "class", "raw", "x1", x, "x2", x, "y1", TOP - 4.0, "y2", bottom);
            out.element("text", "raw", "class", "tick", "x", x, "y", TOP - 9.0);
        }
    }

    private void draw(Group group, double top) {
        double middle = top + group.bars.size() * BAR / 2.0 + 4;
        out.element("text", group.label, "class", "label", "x", LEFT - 10.0, "y", middle);
        double y = top;
        for (Bar bar : group.bars) {
            draw(bar, y);
            y += BAR;
        }
    }

    private void draw(Bar bar, double y) {
        Spread spread = bar.spread;
        out.open("g");
        out.element("title", bar.name + ": " + spread.text());
        double right = x(spread.median());
        double height = BAR - 1.0;
        out.empty(
                "rect",
                "class",
                "bar " + bar.kind,
                "x",
                (double) LEFT,
                "y",
                y,
                "width",
                Math.max(0.5, right - LEFT),
                "height",
                height);
        double center = y + height / 2;
        double least = x(spread.least());
        double most = x(spread.most());
        out.empty("path", "class", "spread", "d", whisker(least, most, center));
        String number = String.format(Locale.ROOT, "%.2f", spread.median());
        out.element("text", number, "class", "number", "x", most + 5, "y", center + 3.5);
        out.close("g");
    }

    /** A line with a short one across each end. */
    private static String whisker(double left, double right, double y) {
        return String.format(
                Locale.ROOT,
                "M%.1f %.1fH%.1fM%.1f %.1fv%dM%.1f %.1fv%d",
                left,
                y,
                right,
                left,
                y - END / 2.0,
                END,
                right,
                y - END / 2.0,
                END);
    }
}
