package dev.gaur.verify.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Four clients at full speed, with reads, writes, zeros, discards, status, flushes, new connections
 * and broken ones, while snapshots and bitmaps of the image come and go. Every byte is as written,
 * QEMU finds the image clean, and the server is in the end no bigger than at the beginning.
 */
class SoakTest {
    private static final int CLIENTS = 4;
    private static final long NANOS = TimeUnit.MINUTES.toNanos(10);
    private static final int BATCHES = 1600;
    private static final int BATCHES_EACH_TURN = ImageZoo.LONG ? 400 : 100;
    private static final long NANOS_EACH_MEASURE = ImageZoo.LONG ? TimeUnit.SECONDS.toNanos(5) : 0;
    private static final int KEPT = 3;
    private static final int LIMIT_SECONDS = 300;

    /**
     * All heap is there from the beginning, so that resident memory tells of the rest. A short run
     * would otherwise see little but the second compiler's memory.
     */
    private static final List<String> JVM =
            List.of(
                    "-Xms96m",
                    "-Xmx96m",
                    "-XX:+AlwaysPreTouch",
                    "-XX:MaxDirectMemorySize=32m", // For all that pools keep and images have.
                    ImageZoo.LONG ? "-XX:+TieredCompilation" : "-XX:TieredStopAtLevel=1");

    // How much bigger the last quarter's biggest may be than the first quarter's.
    private static final long HEAP_MORE = 2 << 20;
    // In a short run the stacks of threads are still being touched for the first time, and memory
    // that is kept once it was, which is no more than the limit allows.
    private static final long RESIDENT_MORE = ImageZoo.LONG ? 16 << 20 : 40 << 20;
    // A server allows a thread more for each that sends at one time: some runs have most late.
    private static final long THREADS_MORE = ImageZoo.LONG ? 3 : 16;
    private static final long DESCRIPTORS_MORE = 2;

    /** What the server is at one moment. */
    private record Measure(long heap, long resident, long threads, long descriptors) {
        static Measure of(String line) {
            String[] words = line.split(" ");
            return new Measure(
                    number(words[1]), number(words[2]), number(words[3]), number(words[4]));
        }

        private static long number(String word) {
            return Long.parseLong(word);
        }
    }

    @TempDir Path folder;

    private final Semaphore batches = new Semaphore(0);
    private final AtomicLong started = new AtomicLong();
    private final AtomicInteger running = new AtomicInteger(CLIENTS);
    private final long begin = System.nanoTime();
    private final List<Measure> measures = new ArrayList<>();
    private int turns;
    private long measured;

    @Test
    void theServerStaysAsItIs(TestReporter reporter) throws Exception {
        Path image = folder.resolve("disk.qcow2");
        Path socket = folder.resolve("gaur.sock");
        long size = (long) CLIENTS * SoakClient.AREA;
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, size).ok();
        List<SoakClient> clients = new ArrayList<>();
        String main = SoakServer.class.getName();
        try (ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
                Console server =
                        ServerProcess.java("the server", JVM, main, List.of(socket, image))) {
            server.await("ok listening");
            List<Future<?>> runs = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                SoakClient client = new SoakClient(socket, i, ImageZoo.SEED);
                clients.add(client);
                runs.add(threads.submit(() -> run(client)));
            }
            disturb(server);
            for (Future<?> run : runs) {
                run.get();
            }
            server.tell("end");
            assertEquals(0, server.awaitEnd(), () -> server.failure("ended").getMessage());
        }
        Peers.qemuImg("check", "-f", "qcow2", image).ok();
        reporter.publishEntry(figures(clients));
        judge("heap", Measure::heap, HEAP_MORE);
        judge("resident memory", Measure::resident, RESIDENT_MORE);
        judge("threads", Measure::threads, THREADS_MORE);
        judge("descriptors", Measure::descriptors, DESCRIPTORS_MORE);
    }

    private boolean run(SoakClient client) throws Exception {
        try {
            client.run(this::goesOn);
        } finally {
            running.decrementAndGet();
            batches.release(BATCHES_EACH_TURN);
        }
        return true;
    }

    private boolean goesOn() {
        batches.release();
        long count = started.incrementAndGet();
        boolean more = ImageZoo.LONG ? System.nanoTime() - begin < NANOS : count < BATCHES;
        return more && running.get() == CLIENTS;
    }

    /** Makes snapshots and bitmaps and removes old ones, until all clients are done. */
    private void disturb(Console server) throws InterruptedException {
        while (running.get() == CLIENTS) {
            if (!batches.tryAcquire(BATCHES_EACH_TURN, LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw server.failure("answers nobody");
            }
            int old = turns - KEPT;
            say(server, "snapshot s" + turns);
            say(server, "bitmap b" + turns);
            say(server, "merge b" + turns);
            if (old >= 0) {
                say(server, "clear b" + old);
                say(server, "remove b" + old);
                say(server, "delete s" + old);
            }
            turns++;
            if (System.nanoTime() - measured >= NANOS_EACH_MEASURE) {
                measures.add(Measure.of(say(server, "measure").substring("ok".length())));
                measured = System.nanoTime();
            }
        }
    }

    private static String say(Console server, String command) {
        server.tell(command);
        return server.await("ok");
    }

    private void judge(String what, ToLongFunction<Measure> value, long more) {
        long[] all = values(value);
        int quarter = all.length / 4;
        long first = Arrays.stream(all, 0, quarter).max().orElseThrow();
        long last = Arrays.stream(all, all.length - quarter, all.length).max().orElseThrow();
        if (last > first + more) {
            throw new AssertionError(
                    what + " was " + first + ", is " + last + "; all: " + Arrays.toString(all));
        }
    }

    /** Returns all but the first fifth, in which the JVM warms up. */
    private long[] values(ToLongFunction<Measure> value) {
        return measures.stream().skip(measures.size() / 5).mapToLong(value).toArray();
    }

    private String figures(List<SoakClient> clients) {
        long bytes = clients.stream().mapToLong(SoakClient::moved).sum();
        StringBuilder text = new StringBuilder();
        text.append(
                "%d requests, %d MiB, %d snapshots and bitmaps, %d s, %d measures"
                        .formatted(
                                started.get() * SoakClient.DEPTH,
                                bytes >> 20,
                                turns,
                                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin),
                                measures.size()));
        text.append("; heap ").append(range(Measure::heap));
        text.append("; resident ").append(range(Measure::resident));
        text.append("; threads ").append(range(Measure::threads));
        return text.append("; descriptors ").append(range(Measure::descriptors)).toString();
    }

    /** Returns the greatest values of the four quarters. */
    private String range(ToLongFunction<Measure> value) {
        long[] all = values(value);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            int from = i * all.length / 4;
            int to = (i + 1) * all.length / 4;
            text.append(i == 0 ? "" : ", ");
            text.append(Arrays.stream(all, from, to).max().orElseThrow());
        }
        return text.toString();
    }
}
