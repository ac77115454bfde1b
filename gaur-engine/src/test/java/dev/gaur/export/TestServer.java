package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockIo;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A server in this process, on both kinds of socket, with a disk in memory that clients may write
 * to ("disk") and the same for reading ("read-only"). Closing it checks that nothing is left: no
 * thread, no socket, no memory.
 */
final class TestServer implements AutoCloseable {
    static final int SIZE = 4 << 20;

    private static final long PATIENCE_SECONDS = 60;

    final NbdServer server;
    final Endpoint unix;
    final Endpoint tcp;
    final byte[] content = TestBytes.patchy(new Random(5), SIZE);
    final BlockIo disk;
    private final long socketsBefore = sockets();
    private final Set<Thread> threadsBefore = threads();
    private final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final Thread.@Nullable UncaughtExceptionHandler handlerBefore =
            Thread.getDefaultUncaughtExceptionHandler();

    /** What no client may bring about: anything but an IOException. */
    private final Queue<String> bugs = new ConcurrentLinkedQueue<>();

    static { // Java keeps a socket for itself once it has closed one.
        try (ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress("127.0.0.1", 0));
            SocketChannel.open(listener.getLocalAddress()).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    TestServer(Path folder, ServerOptions options) throws IOException {
        this(folder, options, null);
    }

    TestServer(Path folder, ServerOptions options, @Nullable BlockIo other) throws IOException {
        this(folder, options, other, new Buffers.Server(), new Workers());
    }

    TestServer(
            Path folder,
            ServerOptions options,
            @Nullable BlockIo other,
            Buffers.Server buffers,
            Workers workers)
            throws IOException {
        Thread.setDefaultUncaughtExceptionHandler((_, thrown) -> bugs.add(thrown.toString()));
        disk = other == null ? new MemoryStorage("disk", content) : other;
        server = new NbdServer(options.withEvents(new Recorder()), buffers, workers);
        server.add(Export.of("disk", disk).withWritable(true));
        server.add(Export.of("read-only", disk));
        unix = server.listen(new Endpoint.Unix(folder.resolve("socket")));
        tcp = server.listen(new Endpoint.Tcp("127.0.0.1", 0));
    }

    private final class Recorder implements ServerEvents {
        @Override
        public void failed(String peer, String reason) {
            events.add("failed: " + reason);
            if (reason.startsWith("java.lang.") || reason.startsWith("dev.gaur.")) {
                bugs.add(reason);
            }
        }

        @Override
        public void ended(String peer) {
            events.add("ended");
        }
    }

    /** Waits until so many connections have ended; returns how many of them in a bad way. */
    int awaitEnded(int count) throws InterruptedException {
        int failed = 0;
        for (int ended = 0; ended < count; ) {
            String event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertTrue(event != null, "only " + ended + " of " + count + " have ended");
            if ("ended".equals(event)) {
                ended++;
            } else {
                failed++;
            }
        }
        return failed;
    }

    /** A good client is served, by both kinds of socket. */
    void assertServes() throws IOException {
        for (Endpoint each : List.of(unix, tcp)) {
            try (NbdScript good = NbdScript.simple(each, "read-only")) {
                byte[] read = good.readSimple(12_345, 70_000);
                assertArrayEquals(TestBytes.readArray(disk, 12_345, 70_000), read);
            }
        }
    }

    static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, what);
            Thread.yield();
        }
    }

    private static long sockets() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(TestServer::isSocket).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isSocket(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (IOException _) {
            return false; // Was closed meanwhile.
        }
    }

    private static Set<Thread> threads() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        Thread[] all = new Thread[10_000];
        int count = group.enumerate(all);
        return Stream.of(all)
                .limit(count)
                .filter(each -> each.getName().startsWith("gaur-"))
                .collect(Collectors.toSet());
    }

    private boolean hasThreads() {
        Set<Thread> now = threads();
        now.removeAll(threadsBefore);
        return !now.isEmpty();
    }

    /** Closes the server; to be called when the test's own sockets are closed. */
    @Override
    public void close() {
        server.close();
        Thread.setDefaultUncaughtExceptionHandler(handlerBefore);
        assertEquals(List.of(), List.copyOf(bugs), "what the server stumbled over");
        assertEquals(0, server.connections(), "connections are left");
        assertEquals(0, server.buffers().largeOut(), "large buffers are left");
        assertEquals(0, server.buffers().out(), "buffers are left");
        await("threads are left", () -> !hasThreads());
        await("sockets are left: " + sockets(), () -> sockets() <= socketsBefore);
    }
}
