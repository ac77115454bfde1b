package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.export.ServerOptions;
import dev.gaur.net.Security;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code gaur serve}: exports images over NBD until it is told to stop. */
final class ServeCommand implements Command {
    static final Option SOCKET =
            Option.valued("k", "socket", "PATH", "listen on this Unix socket (gaur.sock)");
    static final Option PORT =
            Option.valued("p", "port", "PORT", "listen on this TCP port (10809)");
    static final Option ADDRESS =
            Option.valued("b", "bind", "ADDRESS", "listen on this address (127.0.0.1)");
    static final Option READ_ONLY =
            Option.optional(
                    "r", "read-only", "NAME", "clients may only read (this export, or all)");
    static final Option SNAPSHOT =
            Option.valued("l", "snapshot", "SNAPSHOT", "this internal snapshot, to read");
    static final Option OFFSET =
            Option.valued("o", "offset", "OFFSET", "a part of the disk that begins here");
    static final Option SIZE = Option.valued("", "size", "SIZE", "a part of this size");
    static final Option DISCARD =
            Option.valued("", "discard", "MODE", "what discards do: unmap (as usual) or ignore");
    static final Option DETECT_ZEROES =
            Option.valued("", "detect-zeroes", "MODE", "what written zeros become: off, on, unmap");
    static final Option BITMAP =
            Option.valued("B", "bitmap", "NAME", "this dirty bitmap, not all that are sound");
    private static final Option CONNECTIONS =
            Option.valued("e", "connections", "MAX", "at most so many clients at once (1024)");
    private static final Option HANDSHAKE =
            Option.valued(
                    "", "handshake-limit", "SECONDS", "to choose an export (10; 0: no limit)");
    private static final Option ONCE = Option.flag("", "once", "end when the last client has gone");
    static final Option TLS_CREDS =
            Option.valued("", "tls-creds", "ID", "TLS with the credentials of an --object");
    private static final Option METRICS =
            Option.valued("", "metrics", "PORT", "OpenMetrics at http://127.0.0.1:PORT/metrics");
    private static final Option JSON =
            Option.flag("", "json", "tell what happens, one JSON object per line");
    private static final Option INTERVAL =
            Option.valued("", "interval", "SECONDS", "with --json: tell totals so often");

    private static final String DEFAULT_IMAGE = "disk.qcow2";
    private static final String DEFAULT_SIZE = "10G";
    private static final int PORT_MAX = 65535;

    @Override
    public String name() {
        return "serve";
    }

    @Override
    public String summary() {
        return "export images over NBD";
    }

    @Override
    public String operands() {
        return "[[NAME=]IMAGE]...";
    }

    @Override
    public String details() {
        return "Without an image it is disk.qcow2, which is made (thin, 10 GiB) if it is not there."
                + " An export is\ncalled as its file unless NAME= says otherwise. It ends with"
                + " Ctrl-C or SIGTERM: requests that have\ncome are answered, all is flushed,"
                + " sockets are removed, and the exit code is 0.";
    }

    @Override
    public List<Option> options() {
        return List.of(
                SOCKET,
                PORT,
                ADDRESS,
                READ_ONLY,
                SNAPSHOT,
                OFFSET,
                SIZE,
                Options.FORMAT,
                Options.SHARED,
                Options.IMAGE_OPTS,
                CacheOption.OPTION,
                DISCARD,
                DETECT_ZEROES,
                BITMAP,
                CONNECTIONS,
                HANDSHAKE,
                ONCE,
                TLS_CREDS,
                Options.OBJECT,
                METRICS,
                JSON,
                INTERVAL,
                Options.QUIET);
    }

    @Override
    public int run(Invocation call) {
        ServeSockets sockets = ServeSockets.of(call);
        Duration interval = Duration.ofSeconds(number(call, INTERVAL, 0, Integer.MAX_VALUE));
        if (call.has(INTERVAL) && !call.has(JSON)) {
            throw new CommandException("--interval needs --json");
        }
        ServeReport report =
                call.has(JSON)
                        ? new ServeJson(call.out(), interval, call.has(TLS_CREDS))
                        : new ServeText(call, call.has(Options.QUIET));
        ServerOptions options = serverOptions(call).withEvents(report);
        List<String> images = new ArrayList<>(call.operands());
        if (images.isEmpty()) {
            images.add(defaultImage(call, report));
        }
        try (Service service = new Service(options, call.has(ONCE));
                Main.OnSignal _ = Main.endOnSignal(() -> end(call, service, report))) {
            ServeImages.open(call, images, service);
            sockets.listen(service, report);
            startMetrics(call, service, report);
            report.listening(service);
            while (!service.awaitEnd(report.interval())) {
                report.tick(service);
            }
            end(call, service, report);
            return 0;
        }
    }

    /** Ends the service, and says so if all went well. */
    private static void end(Invocation call, Service service, ServeReport report) {
        try {
            service.close();
            report.stopped(service);
        } catch (BlockException failure) {
            call.error(ErrorText.of(failure));
            call.err().flush();
            throw new CommandException("");
        }
    }

    private static ServerOptions serverOptions(Invocation call) {
        long limit = number(call, HANDSHAKE, 10, Integer.MAX_VALUE);
        int connections = (int) number(call, CONNECTIONS, 1024, Integer.MAX_VALUE);
        if (connections == 0) {
            throw new CommandException("--connections must be at least 1");
        }
        Optional<Security> security = ServerSecurity.of(call, TLS_CREDS);
        ServerOptions options =
                ServerOptions.DEFAULT
                        .withConnectionsMax(connections)
                        .withHandshakeLimit(Duration.ofSeconds(limit));
        return security.map(it -> options.withSecurity(it, true)).orElse(options);
    }

    private static void startMetrics(Invocation call, Service service, ServeReport report) {
        if (!call.has(METRICS)) {
            return;
        }
        int port = (int) number(call, METRICS, 0, PORT_MAX);
        try {
            Metrics metrics = new Metrics(port, service);
            service.alsoClose(metrics::close);
            report.metrics(metrics.uri());
        } catch (IOException failure) {
            throw new CommandException(
                    "cannot serve metrics on port " + port + ": " + failure.getMessage());
        }
    }

    /** Reads a plain number. */
    static long number(Invocation call, Option option, long otherwise, long most) {
        String text = call.value(option, Long.toString(otherwise));
        try {
            long number = Long.parseLong(text);
            if (number >= 0 && number <= most) {
                return number;
            }
        } catch (NumberFormatException _) {
            // Falls through to the refusal.
        }
        throw new CommandException(
                "--"
                        + option.word()
                        + " takes a number from 0 to "
                        + most
                        + ", not '"
                        + text
                        + "'");
    }

    private static String defaultImage(Invocation call, ServeReport report) {
        if (!Files.exists(Path.of(DEFAULT_IMAGE))) {
            String[] create = {"create", "-q", "-f", "qcow2", DEFAULT_IMAGE, DEFAULT_SIZE};
            if (Main.run(call.program(), create, call.out(), call.err()) != 0) {
                throw new CommandException(""); // It has said why.
            }
            report.made(DEFAULT_IMAGE, "10 GiB");
        }
        return DEFAULT_IMAGE;
    }
}
