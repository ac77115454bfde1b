package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.export.ExportTotals;
import dev.gaur.format.CowUse;
import dev.gaur.json.JsonWriter;
import dev.gaur.net.Endpoint;
import java.io.PrintStream;
import java.time.Duration;

/** For programs: one JSON object per line, on standard output. */
final class ServeJson implements ServeReport {
    private final PrintStream out;
    private final Duration interval;
    private final boolean tls;
    private String metrics = "";

    /**
     * Reports to a stream.
     *
     * @param interval how often totals are told; zero for never
     * @param tls whether clients need TLS
     */
    ServeJson(PrintStream out, Duration interval, boolean tls) {
        this.tls = tls;
        this.out = out;
        this.interval = interval;
    }

    private static JsonWriter event(String name) {
        return JsonWriter.oneLine().beginObject().entry("event", name);
    }

    private synchronized void print(JsonWriter event) {
        out.print(event.endObject() + "\n");
        out.flush();
    }

    @Override
    public void made(String image, String size) {
        print(event("made").entry("image", image).entry("size", size));
    }

    @Override
    public void metrics(String uri) {
        metrics = uri;
    }

    @Override
    public void leftOut(String reason) {
        print(event("warning").entry("reason", reason));
    }

    @Override
    public void listening(Service service) {
        JsonWriter json = event("listening").entry("pid", ProcessHandle.current().pid());
        json.key("sockets").beginArray();
        for (Endpoint endpoint : service.endpoints()) {
            json.value(endpoint.toString());
        }
        json.endArray().key("exports").beginArray();
        for (Export export : service.exports()) {
            json.beginObject().entry("name", export.name());
            json.entry("size", export.disk().length()).entry("writable", export.writable());
            json.key("uris").beginArray();
            for (Endpoint endpoint : service.endpoints()) {
                String uri = ExportUris.of(endpoint, export.name(), tls);
                if (!uri.isEmpty()) {
                    json.value(uri);
                }
            }
            json.endArray().endObject();
        }
        json.endArray();
        print(metrics.isEmpty() ? json : json.entry("metrics", metrics));
    }

    @Override
    public void opened(Export export, String peer) {
        print(event("opened").entry("export", export.name()).entry("peer", peer));
    }

    @Override
    public void closed(Export export, String peer) {
        print(event("closed").entry("export", export.name()).entry("peer", peer));
    }

    @Override
    public void failed(String peer, String reason) {
        print(event("failed").entry("peer", peer).entry("reason", reason));
    }

    @Override
    public Duration interval() {
        return interval;
    }

    @Override
    public void tick(Service service) {
        print(totals("totals", service));
    }

    @Override
    public void stopped(Service service) {
        print(totals("stopped", service));
    }

    private static JsonWriter totals(String event, Service service) {
        JsonWriter json = event(event).entry("connections", service.connections());
        TableCaches caches = TableCaches.of(service.disks());
        json.entry("cache-hits", caches.hits()).entry("cache-misses", caches.misses());
        json.entry("cache-loads", caches.loads()).entry("cache-evictions", caches.evictions());
        json.entry("cache-bytes", caches.bytes());
        CowUse waiting = DataCaches.of(service.disks());
        json.entry("cow-writes", waiting.writes()).entry("cow-reads-saved", waiting.readsSaved());
        json.entry("cow-bytes-saved", waiting.bytesSaved()).entry("cow-fills", waiting.fills());
        json.entry("cow-merges", waiting.merges()).entry("cow-evictions", waiting.evictions());
        json.entry("cow-bytes", waiting.bytes());
        json.key("exports").beginArray();
        for (Export export : service.exports()) {
            ExportTotals totals = export.totals();
            json.beginObject().entry("name", export.name());
            json.entry("reads", totals.reads()).entry("read-bytes", totals.readBytes());
            json.entry("writes", totals.writes()).entry("written-bytes", totals.writtenBytes());
            json.entry("zeroes", totals.zeroes()).entry("trims", totals.trims());
            json.entry("flushes", totals.flushes()).entry("others", totals.others());
            json.entry("errors", totals.errors()).endObject();
        }
        return json.endArray();
    }
}
