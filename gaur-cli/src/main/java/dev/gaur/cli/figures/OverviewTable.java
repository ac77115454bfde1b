package dev.gaur.cli.figures;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** One table of what first writes reach of rewrites: kinds of images against kinds of requests. */
final class OverviewTable {
    private final List<Chart> charts;
    private final Markup out = new Markup();

    private OverviewTable(List<Chart> charts) {
        this.charts = charts;
    }

    /** Returns the markup; empty if a run has no first writes, or one kind of requests only. */
    static String of(Report report) {
        List<Chart> first =
                report.charts().stream()
                        .filter(it -> it.hasFirst() && !it.direct() && it.rows().size() > 1)
                        .filter(it -> it.figure().key().equals("cow"))
                        .toList();
        boolean served = first.stream().anyMatch(Chart::served);
        List<Chart> shown = first.stream().filter(it -> it.served() == served).toList();
        return shown.size() < 2 ? "" : new OverviewTable(shown).table();
    }

    private String table() {
        out.element("h2", "At a glance", "id", "overview");
        out.element(
                "p",
                "What a first write reaches of the speed of a rewrite of the same image, "
                        + charts.getFirst().how()
                        + ". Below in brackets what qemu-nbd reaches.");
        out.open("div", "class", "scroll").open("table", "class", "overview");
        out.open("thead").open("tr").element("th", "", "scope", "col");
        for (Chart chart : charts) {
            out.element("th", chart.title(), "scope", "col");
        }
        out.close("tr").close("thead").open("tbody");
        for (Variant variant : variants()) {
            out.open("tr").element("th", variant.title(), "scope", "row");
            charts.forEach(chart -> out.raw("<td>" + cell(chart, variant) + "</td>\n"));
            out.close("tr");
        }
        return out.close("tbody").close("table").close("div").toString();
    }

    private List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        for (Chart chart : charts) {
            for (Row row : chart.rows()) {
                if (!variants.contains(row.what().variant())) {
                    variants.add(row.what().variant());
                }
            }
        }
        return variants;
    }

    private static String cell(Chart chart, Variant variant) {
        String ours = ratio(chart, variant, false).orElse("");
        return ratio(chart, variant, true)
                .map(theirs -> ours + "<br><small>(" + theirs + ")</small>")
                .orElse(ours);
    }

    private static Optional<String> ratio(Chart chart, Variant variant, boolean qemu) {
        return chart.rows().stream()
                .filter(row -> (row.what().way() == Way.QEMU) == qemu)
                .filter(row -> row.what().variant().equals(variant))
                .findFirst()
                .map(row -> String.format(Locale.ROOT, "%.2f", row.firstToAgain().median()));
    }
}
