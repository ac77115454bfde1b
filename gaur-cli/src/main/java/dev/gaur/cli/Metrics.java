package dev.gaur.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** Answers GET of {@code /metrics} on this machine with {@link MetricsText}. */
final class Metrics implements AutoCloseable {
    private static final String TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;

    private final HttpServer server;

    /**
     * Begins to answer.
     *
     * @param port of 127.0.0.1; 0 for one that the system chooses
     */
    Metrics(int port, Service service) throws IOException {
        InetAddress here = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        server = HttpServer.create(new InetSocketAddress(here, port), 0);
        server.createContext("/", exchange -> answer(exchange, service));
        server.setExecutor(
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("gaur-metrics").factory()));
        server.start();
    }

    /** Returns where. */
    String uri() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/metrics";
    }

    private static void answer(HttpExchange exchange, Service service) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            boolean head = exchange.getRequestMethod().equals("HEAD");
            if (!head && !exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(NOT_ALLOWED, -1);
            } else if (!path.equals("/metrics") && !path.equals("/")) {
                exchange.sendResponseHeaders(NOT_FOUND, -1);
            } else {
                byte[] text = MetricsText.of(service).getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", TYPE);
                exchange.sendResponseHeaders(200, head ? -1 : text.length);
                if (!head) {
                    exchange.getResponseBody().write(text);
                }
            }
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
