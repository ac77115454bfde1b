package dev.gaur.cli.figures;

import dev.gaur.json.JsonWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Writes results as JSON. */
final class JsonReport {
    private JsonReport() {}

    static String of(Report report) {
        JsonWriter json = JsonWriter.pretty().beginObject();
        json.entry("command", report.settings().command());
        json.entry("taken", report.taken().toString());
        json.entry("seconds", report.seconds()).entry("rounds", report.rounds());
        json.entry("bytes-written", report.settings().span());
        json.key("machine").beginObject();
        report.machine().facts().forEach(fact -> json.entry(fact.name(), fact.value()));
        json.endObject().key("charts").beginArray();
        report.charts().forEach(chart -> write(json, chart));
        json.endArray().key("not-measured").beginArray();
        report.leftOut().forEach(json::value);
        return json.endArray().endObject() + "\n";
    }

    private static void write(JsonWriter json, Chart chart) {
        json.beginObject().entry("figure", chart.figure().key());
        json.entry("title", chart.figure().title());
        json.entry("pattern", chart.pattern().key()).entry("requests", chart.title());
        json.entry("request-bytes", chart.pattern().bytes());
        json.entry("way", chart.served() ? "nbd" : "api").entry("direct", chart.direct());
        json.key("rows").beginArray();
        chart.rows().forEach(row -> write(json, row));
        json.endArray().endObject();
    }

    private static void write(JsonWriter json, Row row) {
        json.beginObject().entry("variant", row.what().variant().key());
        json.entry("title", row.what().variant().title());
        json.entry("server", row.what().way().key());
        if (row.hasFirst()) {
            rates(json, "first", row.samples(), Sample::first);
            rates(json, "first-flushed", row.samples(), Sample::firstFlushed);
        }
        rates(json, "again", row.samples(), Sample::again);
        if (row.what().way() == Way.NBD) {
            rates(json, "young", row.samples(), Sample::young);
        }
        json.key("ratios").beginObject();
        if (row.hasFirst()) {
            spread(json, "first-to-again", row.firstToAgain());
            spread(json, "first-to-raw", row.firstToRaw());
            spread(json, "first-to-raws-first", row.firstToRawsFirst());
        }
        spread(json, "again-to-raw", row.againToRaw());
        json.endObject().endObject();
    }

    /** Requests per second of each round. */
    private static void rates(
            JsonWriter json, String name, List<Sample> samples, ToDoubleFunction<Sample> what) {
        json.key(name).beginArray();
        for (Sample sample : samples) {
            json.number(String.format(Locale.ROOT, "%.1f", what.applyAsDouble(sample)));
        }
        json.endArray();
    }

    private static void spread(JsonWriter json, String name, Spread spread) {
        json.key(name).beginObject();
        json.key("median").number(decimals(spread.median()));
        json.key("least").number(decimals(spread.least()));
        json.key("most").number(decimals(spread.most()));
        json.endObject();
    }

    private static String decimals(double number) {
        return String.format(Locale.ROOT, "%.4f", number);
    }
}
