package dev.gaur.cli.figures;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Writes results as tables for a terminal. */
final class TextReport {
    private static final String GAP = "  ";
    private static final double KILO = 1000;

    private TextReport() {}

    static String of(Report report) {
        StringBuilder text = new StringBuilder();
        String figure = "";
        for (Chart chart : report.charts()) {
            if (!chart.figure().key().equals(figure)) {
                figure = chart.figure().key();
                text.append("\n").append(chart.figure().title()).append("\n");
            }
            text.append("\n").append(chart.title()).append(", ").append(chart.how()).append("\n");
            append(text, header(chart), rows(chart));
        }
        text.append("\n");
        for (String line : report.leftOut()) {
            text.append("not measured: ").append(line).append("\n");
        }
        text.append("Rounds: ").append(report.rounds());
        text.append("; figures are medians, in brackets the least and the greatest.");
        text.append(" Ratios are of one round's figures;\nraw is our raw, rewritten.\n");
        return text.toString();
    }

    /** Returns the names of the columns. */
    static List<String> header(Chart chart) {
        return chart.hasFirst()
                ? List.of(
                        "",
                        "first/s",
                        "with flush/s",
                        "again/s",
                        "first / raw",
                        "again / raw",
                        "first / again")
                : List.of("", "per second", "to raw");
    }

    /** Returns the cells of all rows. */
    static List<List<String>> rows(Chart chart) {
        List<List<String>> rows = new ArrayList<>();
        for (Row row : chart.rows()) {
            if (!chart.hasFirst()) {
                rows.add(List.of(row.label(), rate(row.again()), row.againToRaw().text()));
                continue;
            }
            rows.add(
                    List.of(
                            row.label(),
                            rate(row.first()),
                            rate(row.firstFlushed()),
                            rate(row.again()),
                            row.firstToRaw().text(),
                            row.againToRaw().text(),
                            row.firstToAgain().text()));
        }
        return rows;
    }

    /** Returns requests per second with three digits, as {@code 12.3 k}. */
    static String rate(Spread spread) {
        double rate = spread.median();
        if (rate < KILO) {
            return String.format(Locale.ROOT, "%.0f", rate);
        }
        int decimals = rate < 100 * KILO ? 1 : 0;
        return String.format(Locale.ROOT, "%." + decimals + "f k", rate / KILO);
    }

    private static void append(StringBuilder text, List<String> header, List<List<String>> rows) {
        int[] widths = new int[header.size()];
        for (int i = 0; i < widths.length; i++) {
            widths[i] = header.get(i).length();
            for (List<String> row : rows) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        line(text, header, widths);
        for (List<String> row : rows) {
            line(text, row, widths);
        }
    }

    /** The first column to the left, all others to the right. */
    private static void line(StringBuilder text, List<String> cells, int[] widths) {
        for (int i = 0; i < widths.length; i++) {
            String space = " ".repeat(widths[i] - cells.get(i).length());
            text.append(GAP);
            text.append(i == 0 ? cells.get(i) + space : space + cells.get(i));
        }
        text.append("\n");
    }
}
