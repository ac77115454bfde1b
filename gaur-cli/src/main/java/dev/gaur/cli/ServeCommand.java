package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** {@code gaur serve}: exports images over NBD until it is told to stop. */
final class ServeCommand implements Command {
    private static final Option SOCKET =
            Option.valued("k", "socket", "PATH", "listen on this Unix socket (gaur.sock)");
    private static final Option PORT =
            Option.valued("p", "port", "PORT", "listen on this TCP port (10809)");
    private static final Option ADDRESS =
            Option.valued("b", "bind", "ADDRESS", "listen on this address (127.0.0.1)");
    private static final Option READ_ONLY = Option.flag("r", "read-only", "clients may only read");

    private static final String DEFAULT_IMAGE = "disk.qcow2";
    private static final String DEFAULT_SIZE = "10G";

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
        return "[IMAGE]...";
    }

    @Override
    public List<Option> options() {
        return List.of(
                SOCKET,
                PORT,
                ADDRESS,
                READ_ONLY,
                Options.FORMAT,
                Options.SHARED,
                CacheOption.OPTION,
                Options.OBJECT,
                UserObjects.TLS_CREDS);
    }

    @Override
    public int run(Invocation call) {
        List<String> images = new ArrayList<>(call.operands());
        if (images.isEmpty()) {
            images.add(defaultImage(call));
        }
        List<BlockDevice> disks = new ArrayList<>();
        NbdServer server = new NbdServer(serverOptions(call));
        for (String image : images) {
            BlockDevice disk = ChainOpener.open(image, request(call));
            disks.add(disk);
            String name = Path.of(image).getFileName().toString();
            server.add(
                    Export.of(name, disk)
                            .withWritable(disk.writable())
                            .withContexts(ExportContexts.of(disk)));
        }
        listen(call, server);
        CountDownLatch never = new CountDownLatch(1);
        Main.endOnSignal(
                () -> {
                    server.close();
                    disks.forEach(BlockDevice::close);
                });
        try {
            never.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }

    private static ServerOptions serverOptions(Invocation call) {
        UserObjects objects = UserObjects.of(call);
        return call.has(UserObjects.TLS_CREDS)
                ? ServerOptions.DEFAULT.withSecurity(
                        objects.forServer(call.value(UserObjects.TLS_CREDS, "")), true)
                : ServerOptions.DEFAULT;
    }

    private static OpenRequest request(Invocation call) {
        return CacheOption.request(call)
                .withWritable(!call.has(READ_ONLY))
                .withShared(call.has(Options.SHARED));
    }

    private static String defaultImage(Invocation call) {
        if (!Files.exists(Path.of(DEFAULT_IMAGE))) {
            String[] create = {"create", "-q", "-f", "qcow2", DEFAULT_IMAGE, DEFAULT_SIZE};
            Main.run(call.program(), create, call.out(), call.err());
        }
        return DEFAULT_IMAGE;
    }

    private static void listen(Invocation call, NbdServer server) {
        try {
            if (call.has(SOCKET) || !call.has(PORT)) {
                Path path = Path.of(call.value(SOCKET, "gaur.sock"));
                call.out().println("listening on " + server.listen(new Endpoint.Unix(path)));
            }
            if (call.has(PORT) || !call.has(SOCKET)) {
                int port = (int) call.size(PORT, "port", Nbd.PORT);
                String host = call.value(ADDRESS, "127.0.0.1");
                call.out().println("listening on " + server.listen(new Endpoint.Tcp(host, port)));
            }
            call.out().flush();
        } catch (IOException failure) {
            throw new CommandException("cannot listen: " + failure.getMessage());
        }
    }
}
