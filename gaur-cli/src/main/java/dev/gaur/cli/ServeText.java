package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.export.ExportTotals;
import dev.gaur.net.Endpoint;
import dev.gaur.units.Sizes;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;

/**
 * For people: what is served and how to use it on standard output; on a terminal a line on standard
 * error that says each second what is going on.
 */
final class ServeText implements ServeReport {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final PrintStream out;
    private final PrintStream err;
    private final boolean quiet;
    private final boolean tls;
    private final boolean live;
    private long shownNanos = System.nanoTime(); // this and all below guarded by this
    private long requests;
    private long bytes;
    private TableCaches caches = TableCaches.NONE;
    private boolean hasLine;

    ServeText(Invocation call, boolean quiet) {
        this.out = call.out();
        this.err = call.err();
        this.quiet = quiet;
        this.tls = call.has(ServeCommand.TLS_CREDS);
        this.live = !quiet && Terminal.is(Terminal.ERROR);
    }

    private synchronized void print(String text) {
        if (!quiet) {
            erase();
            out.print(text);
            out.flush();
        }
    }

    private void erase() {
        if (hasLine) {
            err.print(Terminal.ERASE_LINE);
            err.flush();
            hasLine = false;
        }
    }

    @Override
    public void made(String image, String size) {
        print("made " + image + ", thin, " + size + "\n");
    }

    @Override
    public void metrics(String uri) {
        print("metrics at " + uri + "\n");
    }

    @Override
    public synchronized void leftOut(String reason) {
        erase();
        err.print("gaur: warning: " + reason + "\n");
        err.flush();
    }

    @Override
    public void listening(Service service) {
        StringBuilder text = new StringBuilder();
        List<Endpoint> endpoints = service.endpoints();
        for (Export export : service.exports()) {
            text.append("serving ").append(export.name().isEmpty() ? "(no name)" : export.name());
            text.append(", ").append(Sizes.human(export.disk().length()));
            text.append(export.writable() ? "\n" : ", read-only\n");
            for (Endpoint endpoint : endpoints) {
                String uri = ExportUris.of(endpoint, export.name(), tls);
                text.append("  ").append(uri.isEmpty() ? endpoint.toString() : uri).append('\n');
            }
        }
        if (!service.exports().isEmpty()) {
            Endpoint best =
                    tls ? endpoints.getLast() : endpoints.getFirst(); // TLS is easier by TCP.
            text.append(ServeAdvice.of(best, service.exports().getFirst(), tls));
        }
        text.append("listening; Ctrl-C ends it\n");
        print(text.toString());
    }

    @Override
    public void opened(Export export, String peer) {
        // The live line counts clients.
    }

    @Override
    public void closed(Export export, String peer) {
        // The live line counts clients.
    }

    @Override
    public synchronized void failed(String peer, String reason) {
        erase();
        err.print("gaur: " + peer + ": " + reason + "\n");
        err.flush();
    }

    @Override
    public Duration interval() {
        return live ? SECOND : Duration.ZERO;
    }

    @Override
    public synchronized void tick(Service service) {
        long now = System.nanoTime();
        double seconds = Math.max(1, now - shownNanos) / 1e9;
        shownNanos = now;
        long requestsNow = 0;
        long bytesNow = 0;
        for (Export export : service.exports()) {
            ExportTotals totals = export.totals();
            requestsNow += totals.requests();
            bytesNow += totals.readBytes() + totals.writtenBytes();
        }
        TableCaches cachesNow = TableCaches.of(service.disks());
        StringBuilder line = new StringBuilder(Terminal.ERASE_LINE);
        line.append("  ").append((long) ((requestsNow - requests) / seconds));
        line.append(" requests/s, ").append(Sizes.human((long) ((bytesNow - bytes) / seconds)));
        line.append("/s, ").append(service.connections()).append(" clients");
        appendCaches(line, cachesNow.since(caches));
        long waiting = DataCaches.of(service.disks()).bytes();
        if (waiting > 0) {
            line.append(", ").append(Sizes.human(waiting)).append(" wait");
        }
        requests = requestsNow;
        bytes = bytesNow;
        caches = cachesNow;
        err.print(line);
        err.flush();
        hasLine = true;
    }

    /**
     * Says how many lookups of tables needed no I/O, in tenths of a percent, and what the others
     * led to.
     */
    private static void appendCaches(StringBuilder line, TableCaches use) {
        long all = use.hits() + use.misses();
        if (all > 0) {
            long tenths = use.hits() * 1000 / all;
            line.append(", tables ").append(tenths / 10).append('.').append(tenths % 10);
            line.append(" % of ").append(Sizes.human(use.bytes())).append(" hit");
            if (use.misses() > 0) {
                line.append(" (").append(use.misses()).append(" missed, ");
                line.append(use.loads()).append(" loaded, ");
                line.append(use.evictions()).append(" evicted)");
            }
        }
    }

    @Override
    public void stopped(Service service) {
        long written = 0;
        long read = 0;
        long all = 0;
        for (Export export : service.exports()) {
            all += export.totals().requests();
            read += export.totals().readBytes();
            written += export.totals().writtenBytes();
        }
        print(
                (live ? "\r" : "")
                        + "stopped after "
                        + all
                        + " requests, "
                        + Sizes.human(read)
                        + " read, "
                        + Sizes.human(written)
                        + " written\n");
    }
}
