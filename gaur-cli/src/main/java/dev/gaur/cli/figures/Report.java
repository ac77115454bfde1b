package dev.gaur.cli.figures;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * What a run found.
 *
 * @param taken when it began
 * @param seconds it took
 * @param charts in order
 * @param leftOut what was not measured, and why: lines
 */
public record Report(
        Settings settings,
        Machine machine,
        Instant taken,
        long seconds,
        List<Chart> charts,
        List<String> leftOut) {

    /** Puts measurements together to charts: those that differ in the kind of image only. */
    static List<Chart> charts(SequencedMap<Measured, List<Sample>> results) {
        List<Chart> charts = new ArrayList<>();
        for (Measured what : results.keySet()) {
            Chart chart = chart(what, List.of());
            if (charts.stream().noneMatch(it -> it.key().equals(chart.key()))) {
                charts.add(chart(what, rows(chart.key(), results)));
            }
        }
        return List.copyOf(charts);
    }

    private static Chart chart(Measured what, List<Row> rows) {
        return new Chart(
                what.figure(), what.pattern(), what.cache().direct(), what.way().isServed(), rows);
    }

    private static List<Row> rows(String key, Map<Measured, List<Sample>> results) {
        List<Measured> inside =
                results.keySet().stream()
                        .filter(it -> chart(it, List.of()).key().equals(key))
                        .toList();
        List<Sample> reference =
                inside.stream()
                        .filter(it -> it.variant().isRaw() && it.way() != Way.QEMU)
                        .findFirst()
                        .map(results::get)
                        .orElse(List.of());
        return inside.stream()
                .map(it -> new Row(it, results.getOrDefault(it, List.of()), reference))
                .toList();
    }

    /** Returns how many rounds there were at most. */
    int rounds() {
        return charts.stream()
                .flatMap(chart -> chart.rows().stream())
                .mapToInt(row -> row.samples().size())
                .max()
                .orElse(0);
    }

    /** Returns tables for a terminal. */
    public String toText() {
        return TextReport.of(this);
    }

    /** Returns JSON for programs. */
    public String toJson() {
        return JsonReport.of(this);
    }

    /** Returns a page for a browser, which needs no other file. */
    public String toHtml() {
        return HtmlReport.of(this);
    }
}
