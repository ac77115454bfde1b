package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.export.Export;
import dev.gaur.export.ServerEvents;
import dev.gaur.export.ServerOptions;
import java.time.Duration;
import java.util.List;

/** {@code gaur nbd}: exports one image as qemu-nbd does; qemu-nbd under its name. */
final class NbdCommand implements Command {
    static final Option PORT = Option.valued("p", "port", "PORT", "TCP port to listen on (10809)");
    static final Option BIND =
            Option.valued("b", "bind", "ADDRESS", "address to listen on (0.0.0.0)");
    static final Option SOCKET =
            Option.valued("k", "socket", "PATH", "Unix socket to listen on, an absolute path");
    static final Option SHARED =
            Option.valued("e", "shared", "NUM", "so many clients at once (1; 0: any number)");
    static final Option PERSISTENT =
            Option.flag("t", "persistent", "go on when the last client has gone");
    static final Option NAME = Option.valued("x", "export-name", "NAME", "name of the export");
    static final Option DESCRIPTION =
            Option.valued("D", "description", "TEXT", "description of the export");
    static final Option OFFSET = Option.valued("o", "offset", "OFFSET", "where the export begins");
    static final Option FORMAT =
            Option.valued("f", "format", "FMT", "format of the image; without it, probed");
    static final Option READ_ONLY = Option.flag("r", "read-only", "clients may only read");
    static final Option TEMPORARY =
            Option.flag("s", "snapshot", "keep changes in a temporary file");
    static final Option LOAD =
            Option.valued("l", "load-snapshot", "SNAPSHOT", "export an internal snapshot");
    static final Option DEPTH =
            Option.flag("A", "allocation-depth", "tell clients which layer has the data");
    static final Option BITMAP =
            Option.valued("B", "bitmap", "NAME", "tell clients of a dirty bitmap");
    static final Option NO_CACHE = Option.flag("n", "nocache", "as --cache=none");
    static final Option CACHE =
            Option.valued("", "cache", "MODE", "cache mode; writeback unless given");
    static final Option AIO =
            Option.valued("", "aio", "MODE", "threads, native or io_uring; no effect here");
    static final Option DISCARD =
            Option.valued("", "discard", "MODE", "what discards do: ignore (as usual) or unmap");
    static final Option DETECT_ZEROES =
            Option.valued("", "detect-zeroes", "MODE", "what written zeros become: off, on, unmap");
    static final Option FORK = Option.flag("", "fork", "return when clients may come");
    static final Option PID_FILE =
            Option.valued(
                    "", "pid-file", "PATH", "write the process's number when clients may come");
    static final Option TLS_CREDS =
            Option.valued("", "tls-creds", "ID", "TLS with the credentials of an --object");
    static final Option TLS_AUTHZ =
            Option.valued("", "tls-authz", "ID", "which clients are let in; not supported");
    static final Option TLS_HOSTNAME =
            Option.valued(
                    "", "tls-hostname", "NAME", "name in the server's certificate, for --list");
    static final Option HANDSHAKE =
            Option.valued(
                    "", "handshake-limit", "SECONDS", "to choose the export (10; 0: any time)");
    static final Option LIST = Option.flag("L", "list", "list the exports of a server");
    static final Option CONNECT =
            Option.valued("c", "connect", "DEV", "connect a kernel's device; not supported");
    static final Option DISCONNECT =
            Option.flag("d", "disconnect", "disconnect one; not supported");
    static final Option SELINUX =
            Option.valued("", "selinux-label", "LABEL", "label of the socket; not supported");
    static final Option VERBOSE = Option.flag("v", "verbose", "say which clients failed, and why");
    static final Option TRACE =
            Option.valued("T", "trace", "EVENTS", "trace events of QEMU; there are none here");
    static final Option VERSION = Option.flag("V", "version", "show the version");

    @Override
    public String name() {
        return "nbd";
    }

    @Override
    public String summary() {
        return "export an image as qemu-nbd does";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of( // In the order in which getopt(3) names them to qemu-nbd's users.
                VERSION,
                BIND,
                PORT,
                SOCKET,
                OFFSET,
                READ_ONLY,
                CONNECT,
                DISCONNECT,
                LIST,
                TEMPORARY,
                LOAD,
                NO_CACHE,
                CACHE,
                AIO,
                DISCARD,
                DETECT_ZEROES,
                SHARED,
                FORMAT,
                DEPTH,
                BITMAP,
                PERSISTENT,
                VERBOSE,
                Options.OBJECT,
                NAME,
                DESCRIPTION,
                TLS_CREDS,
                TLS_HOSTNAME,
                TLS_AUTHZ,
                Options.IMAGE_OPTS,
                TRACE,
                FORK,
                PID_FILE,
                HANDSHAKE,
                SELINUX);
    }

    @Override
    public int run(Invocation call) {
        if (call.has(VERSION)) {
            call.out().print(Main.version(call.program()));
            return 0;
        }
        NbdSettings settings = NbdSettings.of(call);
        if (call.has(LIST)) {
            return NbdList.run(call);
        }
        if (call.has(FORK)) {
            Detached.requireLauncher();
        }
        ServerOptions options = serverOptions(call, settings);
        try (Service service = new Service(options, !call.has(PERSISTENT));
                Main.OnSignal _ = Main.endOnSignal(() -> end(call, service))) {
            Export export = NbdImage.open(call, settings, service);
            service.add(export.withSeveralConnections(settings.shared() != 1));
            NbdSocket.listen(call, settings, service);
            Detached.writePid(call.value(PID_FILE, ""));
            if (call.has(FORK)) {
                Detached.letGo(call);
            }
            service.awaitEnd(Duration.ZERO);
            end(call, service);
            return 0;
        }
    }

    private static void end(Invocation call, Service service) {
        try {
            service.close();
        } catch (BlockException failure) {
            call.error(ErrorText.of(failure));
            call.err().flush();
            throw new CommandException("");
        }
    }

    private static ServerOptions serverOptions(Invocation call, NbdSettings settings) {
        int most = settings.shared() == 0 ? Integer.MAX_VALUE : settings.shared();
        long limit = ServeCommand.number(call, HANDSHAKE, 10, Integer.MAX_VALUE);
        ServerOptions options =
                ServerOptions.DEFAULT
                        .withConnectionsMax(most)
                        .withHandshakeLimit(Duration.ofSeconds(limit));
        if (call.has(VERBOSE)) {
            options = options.withEvents(new Failures(call));
        }
        ServerOptions plain = options;
        return ServerSecurity.of(call, TLS_CREDS)
                .map(security -> plain.withSecurity(security, true))
                .orElse(plain);
    }

    /** Tells of clients that failed. */
    private record Failures(Invocation call) implements ServerEvents {
        @Override
        public void failed(String peer, String reason) {
            call.error(peer + ": " + reason);
            call.err().flush();
        }
    }
}
