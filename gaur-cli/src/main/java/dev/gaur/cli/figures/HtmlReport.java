package dev.gaur.cli.figures;

import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/** Writes results as one page with charts, which needs no other file and no script. */
final class HtmlReport {
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm 'UTC'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    private static final String STYLE =
            """
            :root { color-scheme: light; }
            body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff;
                margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; }
            h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
            h2 { font-size: 1.35rem; margin: 3.5rem 0 .5rem; padding-top: 1rem;
                border-top: 1px solid #d9e0e7; }
            h3 { font-size: 1.05rem; margin: 2.2rem 0 0; }
            p { max-width: 46rem; }
            code { font: .85em ui-monospace, monospace; background: #f2f5f8; padding: .1em .3em;
                border-radius: 3px; overflow-wrap: anywhere; }
            nav ul { padding-left: 1.2rem; }
            a { color: #0b62a8; }
            figure { margin: .4rem 0 .6rem; }
            figcaption, .how { color: #566472; font-size: .9rem; margin: 0; }
            svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
            .label { text-anchor: end; fill: #1d2733; }
            .tick { text-anchor: middle; fill: #566472; font-size: 11px; }
            .number { fill: #1d2733; font-size: 10.5px; }
            .grid { stroke: #e4e9ee; }
            .raw { stroke: #566472; stroke-dasharray: 3 3; }
            .spread { stroke: #1d2733; stroke-width: 1.1; fill: none; }
            .gaur-first { fill: #0b62a8; }
            .gaur-again { fill: #9cc5e6; }
            .peer-first { fill: #b4540a; }
            .peer-again { fill: #f0c08f; }
            .legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0;
                margin: .4rem 0; list-style: none; font-size: .9rem; }
            .legend svg { width: .8rem; height: .8rem; margin-right: .4rem; }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; font-size: .85rem; white-space: nowrap;
                font-variant-numeric: tabular-nums; }
            th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e4e9ee; }
            th:first-child, td:first-child { text-align: left; padding-left: 0; }
            thead th { color: #566472; font-weight: 600; }
            tbody th { font-weight: 400; }
            .overview th { white-space: normal; vertical-align: bottom; }
            .overview td { line-height: 1.2; }
            small { color: #b4540a; font-size: .9em; }
            @media print { body { max-width: none; } h3, figure { break-inside: avoid; } }
            """;

    private final Report report;
    private final Markup out = new Markup();

    private HtmlReport(Report report) {
        this.report = report;
    }

    static String of(Report report) {
        return new HtmlReport(report).page();
    }

    private String page() {
        out.raw("<!DOCTYPE html>\n").open("html", "lang", "en").open("head");
        out.empty("meta", "charset", "utf-8");
        out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        out.element("title", "Gaur: qcow2 against raw");
        out.open("style").raw(STYLE).close("style").close("head").open("body").open("main");
        head();
        machine();
        contents();
        out.raw(OverviewTable.of(report));
        String figure = "";
        for (Chart chart : report.charts()) {
            if (!chart.figure().key().equals(figure)) {
                figure = chart.figure().key();
                out.element("h2", chart.figure().title(), "id", figure);
                out.element("p", chart.figure().text());
            }
            draw(chart);
        }
        leftOut();
        return out.close("main").close("body").close("html").toString();
    }

    private void head() {
        out.element("h1", "qcow2 against raw");
        out.open("p");
        out.raw("Drawn by ").element("code", report.settings().command());
        out.raw(Markup.escape(" on " + DAY.format(report.taken()) + ", in "));
        out.raw(report.seconds() + " seconds. ");
        out.raw(Markup.escape(rounds()));
        out.close("p");
        out.element(
                "p",
                "Every bar is a ratio: 1 is what our own raw reaches on the same way when it"
                        + " overwrites what is there (or reads). A bar is the median of all rounds,"
                        + " the line through it goes from the least to the greatest; each ratio is"
                        + " of two figures of one round. A first pass writes to every place of an"
                        + " image once; what is written again afterwards, at the same places, is"
                        + " the lighter bar. Bars of qemu-nbd are against the same raw of ours."
                        + " Server and client have a processor each where there are two. Over NBD"
                        + " each figure is of a server of its own, which has had the very same"
                        + " requests before, to two to six other new images of the same kind, for"
                        + " three seconds at most: a JVM compiles what is hot meanwhile. Each of"
                        + " those images has a process of qemu-nbd, too.");
    }

    private String rounds() {
        Settings settings = report.settings();
        return report.rounds()
                + (report.rounds() == 1 ? " round" : " rounds")
                + ", in which all take turns; "
                + (settings.span() >> 20)
                + " MiB are written in each image.";
    }

    private void machine() {
        out.open("div", "class", "scroll").open("table").open("tbody");
        for (Machine.Fact fact : report.machine().facts()) {
            out.open("tr").element("th", fact.name(), "scope", "row");
            out.element("td", fact.value(), "style", "text-align:left").close("tr");
        }
        out.close("tbody").close("table").close("div");
    }

    private void contents() {
        out.open("nav", "aria-label", "Figures").open("ul");
        List<String> seen = new ArrayList<>();
        for (Chart chart : report.charts()) {
            String key = chart.figure().key();
            if (!seen.contains(key)) {
                seen.add(key);
                out.open("li").element("a", chart.figure().title(), "href", "#" + key);
                out.close("li");
            }
        }
        out.close("ul").close("nav");
    }

    private void draw(Chart chart) {
        out.element("h3", chart.title(), "id", chart.key());
        out.element("p", capital(chart.how()), "class", "how");
        out.open("figure");
        legend(chart);
        String description = "Bars of " + chart.rows().size() + " kinds of images, against raw";
        BarChart bars = new BarChart(chart.key(), chart.title() + ", " + chart.how(), description);
        groups(chart).forEach(bars::add);
        out.raw(bars.draw());
        out.element("figcaption", "Requests per second, divided by those of raw.");
        out.close("figure");
        table(chart);
    }

    private static String capital(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    /** What is of one kind of image stands together. */
    private static SequencedMap<String, List<BarChart.Bar>> groups(Chart chart) {
        SequencedMap<String, List<BarChart.Bar>> groups = new LinkedHashMap<>();
        for (Row row : chart.rows()) {
            String label = row.what().variant().title();
            groups.computeIfAbsent(label, _ -> new ArrayList<>()).addAll(bars(row));
        }
        return groups;
    }

    private static List<BarChart.Bar> bars(Row row) {
        String who = row.what().way() == Way.QEMU ? "peer" : "gaur";
        BarChart.Bar again =
                new BarChart.Bar(who + "-again", row.label() + ", again", row.againToRaw());
        if (!row.hasFirst()) {
            return List.of(new BarChart.Bar(who + "-first", row.label(), row.againToRaw()));
        }
        return List.of(
                new BarChart.Bar(who + "-first", row.label() + ", first", row.firstToRaw()), again);
    }

    private void legend(Chart chart) {
        boolean peers = chart.rows().stream().anyMatch(row -> row.what().way() == Way.QEMU);
        out.open("ul", "class", "legend");
        if (chart.hasFirst()) {
            entry("gaur-first", "Gaur, first writes");
            entry("gaur-again", "Gaur, the same again");
        } else {
            entry("gaur-first", "Gaur");
        }
        if (peers && chart.hasFirst()) {
            entry("peer-first", "qemu-nbd, first writes");
            entry("peer-again", "qemu-nbd, the same again");
        } else if (peers) {
            entry("peer-first", "qemu-nbd");
        }
        out.close("ul");
    }

    private void entry(String kind, String name) {
        out.open("li").open("svg", "viewBox", "0 0 10 10", "aria-hidden", "true");
        out.empty("rect", "class", kind, "width", "10", "height", "10").close("svg");
        out.raw(Markup.escape(name)).close("li");
    }

    private void table(Chart chart) {
        out.open("div", "class", "scroll").open("table").open("thead").open("tr");
        for (String name : TextReport.header(chart)) {
            out.element("th", name, "scope", "col");
        }
        out.close("tr").close("thead").open("tbody");
        for (List<String> row : TextReport.rows(chart)) {
            out.open("tr").element("th", row.getFirst(), "scope", "row");
            row.stream().skip(1).forEach(cell -> out.element("td", cell));
            out.close("tr");
        }
        out.close("tbody").close("table").close("div");
    }

    private void leftOut() {
        if (report.leftOut().isEmpty()) {
            return;
        }
        out.element("h2", "Not measured").open("ul");
        report.leftOut().forEach(line -> out.element("li", line));
        out.close("ul");
    }
}
