package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.export.ExportTotals;
import dev.gaur.format.CowUse;
import java.util.List;
import java.util.function.ToLongFunction;

/** What a server has done, as OpenMetrics text (version 1.0). */
final class MetricsText {
    private final StringBuilder text = new StringBuilder();
    private final List<Export> exports;

    private MetricsText(List<Export> exports) {
        this.exports = exports;
    }

    static String of(Service service) {
        MetricsText text = new MetricsText(service.exports());
        text.requests();
        text.counter("read_bytes", "bytes", "Bytes read by clients.", ExportTotals::readBytes);
        text.counter(
                "written_bytes", "bytes", "Bytes written by clients.", ExportTotals::writtenBytes);
        text.counter("errors", "", "Requests answered with an error.", ExportTotals::errors);
        text.sizes();
        text.gauge("connections", "", "Clients connected.", service.connections());
        text.waiting(service);
        TableCaches caches = TableCaches.of(service.disks());
        text.single("table_cache_hits", "Lookups of mapping tables without I/O.", caches.hits());
        text.single("table_cache_misses", "Lookups that had to wait for I/O.", caches.misses());
        text.single("table_cache_loads", "Reads of parts of tables.", caches.loads());
        text.single("table_cache_evictions", "Parts of tables given up.", caches.evictions());
        text.gauge("table_cache_bytes", "bytes", "Memory that mapping tables use.", caches.bytes());
        return text.text.append("# EOF\n").toString();
    }

    private void waiting(Service service) {
        CowUse waiting = DataCaches.of(service.disks());
        single("cow_cache_writes", "Writes that waited for their cluster.", waiting.writes());
        single("cow_cache_reads_saved", "Clusters written without a copy.", waiting.readsSaved());
        single("cow_cache_bytes_saved", "Bytes that were not copied.", waiting.bytesSaved());
        single("cow_cache_fills", "Clusters completed by reading.", waiting.fills());
        single("cow_cache_merges", "Clusters written with others.", waiting.merges());
        single("cow_cache_evictions", "Clusters written for room or age.", waiting.evictions());
        gauge("cow_cache_bytes", "bytes", "Memory of clusters that wait.", waiting.bytes());
    }

    private void family(String name, String type, String unit, String help) {
        text.append("# TYPE gaur_").append(name).append(' ').append(type).append('\n');
        if (!unit.isEmpty()) {
            text.append("# UNIT gaur_").append(name).append(' ').append(unit).append('\n');
        }
        text.append("# HELP gaur_").append(name).append(' ').append(help).append('\n');
    }

    private void requests() {
        family("export_requests", "counter", "", "Requests by kind.");
        for (Export export : exports) {
            ExportTotals totals = export.totals();
            request(export, "read", totals.reads());
            request(export, "write", totals.writes());
            request(export, "zero", totals.zeroes());
            request(export, "trim", totals.trims());
            request(export, "flush", totals.flushes());
            request(export, "other", totals.others());
        }
    }

    private void request(Export export, String kind, long value) {
        String more = ",type=\"" + kind + "\"";
        sample("export_requests_total", export, more, value);
    }

    private void counter(
            String name, String unit, String help, ToLongFunction<ExportTotals> value) {
        String full = "export_" + name;
        family(full, "counter", unit, help);
        for (Export export : exports) {
            sample(full + "_total", export, "", value.applyAsLong(export.totals()));
        }
    }

    private void sizes() {
        family("export_size_bytes", "gauge", "bytes", "Size of the disk.");
        for (Export export : exports) {
            sample("export_size_bytes", export, "", export.disk().length());
        }
    }

    private void sample(String name, Export export, String more, long value) {
        text.append("gaur_").append(name).append("{export=\"").append(escaped(export.name()));
        text.append('"').append(more).append("} ").append(value).append('\n');
    }

    private void gauge(String name, String unit, String help, long value) {
        family(name, "gauge", unit, help);
        text.append("gaur_").append(name).append(' ').append(value).append('\n');
    }

    private void single(String name, String help, long value) {
        family(name, "counter", "", help);
        text.append("gaur_").append(name).append("_total ").append(value).append('\n');
    }

    private static String escaped(String label) {
        return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
