package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.nbd.Nbd;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.TestBytes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random damage to valid sessions, and random bytes, several clients at a time: the server serves a
 * good client all the while, stumbles over nothing, keeps nothing, and the disk changes only where
 * some request that was sent says so.
 */
class ProtocolFuzzTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int ROUNDS = Boolean.getBoolean("gaur.long") ? 20_000 : 150;
    private static final int CLIENTS = 6;
    private static final int SIZE = TestServer.SIZE;

    @TempDir Path folder;
    private final byte[] known = TestBytes.patchy(new Random(SEED), SIZE);
    private final MemoryStorage disk = new MemoryStorage("disk", known);

    @Test
    void damagedSessionsHarmNobody() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        AtomicBoolean over = new AtomicBoolean();
        AtomicLong good = new AtomicLong();
        try (TestServer server = new TestServer(folder, options(), disk)) {
            server.server.add(
                    Export.of("good", new MemoryStorage("good", SIZE)).withWritable(true));
            Future<?> goodOne = threads.submit(() -> serveGood(server, over, good));
            for (int round = 0; round < ROUNDS; round++) {
                round(server, threads, SEED + round);
            }
            over.set(true);
            goodOne.get();
            assertTrue(good.get() > 0);
            server.awaitEnded(ROUNDS * CLIENTS + 1);
        } finally {
            over.set(true);
            threads.shutdownNow();
        }
    }

    private static ServerOptions options() {
        return ServerOptions.DEFAULT
                .withHandshakeLimit(Duration.ofMinutes(2))
                .withDrainLimit(Duration.ofMillis(500));
    }

    /** Writes, reads and compares until told to end. */
    private static Void serveGood(TestServer server, AtomicBoolean over, AtomicLong count)
            throws IOException {
        Random random = new Random(1);
        try (NbdScript client = NbdScript.simple(server.unix, "good")) {
            while (!over.get()) {
                byte[] data = new byte[1 + random.nextInt(100_000)];
                random.nextBytes(data);
                int at = random.nextInt(SIZE - data.length);
                client.write(1, at, data);
                assertEquals(0, client.reply().error());
                assertTrue(Arrays.equals(data, client.readSimple(at, data.length)));
                count.incrementAndGet();
            }
        }
        return null;
    }

    private void round(TestServer server, ExecutorService threads, long seed) throws Exception {
        List<Future<byte[]>> sent = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            Random random = new Random(seed * CLIENTS + i);
            sent.add(threads.submit(() -> play(server, random)));
        }
        boolean[] mayChange = new boolean[SIZE / 512 + 1];
        for (Future<byte[]> each : sent) {
            try {
                markRanges(each.get(), mayChange);
            } catch (ExecutionException failed) {
                throw new AssertionError("seed " + seed, failed.getCause());
            }
        }
        TestServer.await(
                "seed " + seed + ": clients are left", () -> server.server.connections() <= 1);
        byte[] now = TestBytes.readArray(disk, 0, SIZE);
        for (int at = 0; at < SIZE; at += 512) {
            if (!mayChange[at / 512]) {
                assertTrue(
                        Arrays.equals(now, at, at + 512, known, at, at + 512),
                        "seed " + seed + ": nobody wrote at " + at);
            }
        }
        restore();
    }

    private void restore() {
        disk.write(0, MemorySegment.ofArray(known), Durability.CACHED);
    }

    // ---- what was sent

    /** Whatever looks like a request that changes something, wherever in the stream. */
    private static void markRanges(byte[] sent, boolean[] mayChange) {
        ByteBuffer all = ByteBuffer.wrap(sent);
        for (int at = 0; at + 28 <= sent.length; at++) {
            int magic = all.getInt(at);
            boolean wide = magic == Nbd.EXTENDED_REQUEST_MAGIC && at + 32 <= sent.length;
            if (!wide && magic != Nbd.REQUEST_MAGIC) {
                continue;
            }
            int type = all.getShort(at + 6);
            long offset = all.getLong(at + 16);
            long length = wide ? all.getLong(at + 24) : all.getInt(at + 24) & 0xffff_ffffL;
            boolean changes =
                    type == Nbd.CMD_WRITE || type == Nbd.CMD_TRIM || type == Nbd.CMD_WRITE_ZEROES;
            if (changes && offset >= 0 && length >= 1 && offset <= SIZE - length) {
                int end = (int) ((offset + length - 1) / 512) + 1;
                Arrays.fill(mayChange, (int) (offset / 512), end, true);
            }
        }
    }

    /** One client's life; returns what it has sent. */
    private static byte[] play(TestServer server, Random random) throws IOException {
        byte[] session = damaged(random);
        NbdScript client = NbdScript.connect(random.nextBoolean() ? server.tcp : server.unix);
        boolean ended = false;
        Thread reader = null;
        if (random.nextInt(4) > 0) {
            reader = Thread.ofPlatform().start(client::awaitEnd);
        }
        try {
            for (int at = 0; at < session.length; ) {
                int piece = Math.min(session.length - at, pieceOf(random));
                client.send(Arrays.copyOfRange(session, at, at + piece));
                at += piece;
            }
            if (random.nextBoolean()) {
                client.endSending();
                ended = true;
            }
        } catch (IOException _) {
            // The server has had enough.
        }
        if (reader != null && ended) {
            join(reader); // The server answers all that it understands, and then ends.
        }
        if (random.nextInt(3) == 0) {
            client.reset();
        } else {
            client.close();
        }
        return session;
    }

    private static void join(Thread reader) {
        try {
            reader.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static int pieceOf(Random random) {
        return random.nextInt(3) == 0 ? 1 + random.nextInt(40) : 1 + random.nextInt(200_000);
    }

    // ---- sessions

    private static byte[] damaged(Random random) throws IOException {
        if (random.nextInt(12) == 0) {
            byte[] noise = new byte[random.nextInt(3000)];
            random.nextBytes(noise);
            return noise;
        }
        List<byte[]> messages = session(random);
        int changes = random.nextInt(4);
        int first = random.nextInt(3) == 0 ? 0 : messages.size() / 3;
        for (int i = 0; i < changes; i++) {
            int from = Math.min(first, messages.size() - 1); // Some may have gone.
            damage(random, messages, from + random.nextInt(messages.size() - from));
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] each : messages) {
            all.writeBytes(each);
        }
        byte[] bytes = all.toByteArray();
        return random.nextInt(6) == 0
                ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 1))
                : bytes;
    }

    private static void damage(Random random, List<byte[]> messages, int index) {
        byte[] message = messages.get(index).clone();
        int head = Math.min(message.length, 40);
        switch (random.nextInt(8)) {
            case 0 -> messages.remove(index);
            case 1 -> messages.add(index, messages.get(random.nextInt(messages.size())));
            case 2 ->
                    messages.set(index, Arrays.copyOf(message, random.nextInt(message.length + 9)));
            case 3 -> {
                byte[] noise = new byte[random.nextInt(100)];
                random.nextBytes(noise);
                messages.add(index, noise);
            }
            case 4 -> { // A number at one of its edges.
                if (head >= 4) {
                    int[] edges = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, SIZE, 1 << 25};
                    int edge = edges[random.nextInt(edges.length)];
                    ByteBuffer.wrap(message).putInt(random.nextInt(head / 4) * 4, edge);
                    messages.set(index, message);
                }
            }
            default -> {
                for (int i = random.nextInt(3); i >= 0 && head > 0; i--) {
                    message[random.nextInt(head)] ^= (byte) (1 << random.nextInt(8));
                }
                messages.set(index, message);
            }
        }
        if (messages.isEmpty()) {
            messages.add(new byte[1]);
        }
    }

    private static List<byte[]> session(Random random) {
        List<byte[]> all = new ArrayList<>();
        all.add(NbdScript.bytes(4).putInt(random.nextInt(4)).array());
        int[] forms = {0, Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_EXTENDED_HEADERS};
        int form = forms[random.nextInt(forms.length)];
        if (form != 0) {
            option(all, form, new byte[0]);
        }
        String export = random.nextInt(4) == 0 ? "read-only" : "disk";
        for (int i = random.nextInt(3); i > 0; i--) {
            switch (random.nextInt(5)) {
                case 0 -> option(all, Nbd.OPT_LIST, new byte[0]);
                case 1 -> option(all, Nbd.OPT_INFO, NbdScript.named(export));
                case 2 -> option(all, Nbd.OPT_LIST_META_CONTEXT, NbdScript.contexts(export));
                case 3 -> option(all, Nbd.OPT_STARTTLS, new byte[0]);
                default -> option(all, random.nextInt(20), new byte[random.nextInt(60)]);
            }
        }
        option(all, Nbd.OPT_SET_META_CONTEXT, NbdScript.contexts(export, "base:allocation"));
        if (random.nextInt(4) == 0) {
            option(all, Nbd.OPT_EXPORT_NAME, export.getBytes(StandardCharsets.UTF_8));
        } else {
            option(all, Nbd.OPT_GO, NbdScript.named(export));
        }
        for (int i = random.nextInt(30); i > 0; i--) {
            request(random, all, form == Nbd.OPT_EXTENDED_HEADERS);
        }
        return all;
    }

    private static void option(List<byte[]> to, int option, byte[] data) {
        ByteBuffer all = ByteBuffer.allocate(16 + data.length);
        to.add(all.put(NbdScript.optionHeader(option, data.length)).put(data).array());
    }

    private static void request(Random random, List<byte[]> to, boolean extended) {
        int type = random.nextInt(30) == 0 ? random.nextInt(20) : random.nextInt(8);
        if (type == Nbd.CMD_DISC && random.nextInt(5) > 0) {
            type = Nbd.CMD_WRITE;
        }
        int length = random.nextInt(5) == 0 ? random.nextInt(1 << 20) : random.nextInt(9000);
        boolean write = type == Nbd.CMD_WRITE;
        int flags = random.nextInt(3) == 0 ? 1 << random.nextInt(6) : 0;
        flags |= write && extended ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
        byte[] payload = new byte[write ? length : 0];
        random.nextBytes(payload);
        ByteBuffer all = ByteBuffer.allocate((extended ? 32 : 28) + payload.length);
        all.putInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
        all.putShort((short) flags).putShort((short) type).putLong(random.nextLong());
        all.putLong(random.nextInt(SIZE));
        all = extended ? all.putLong(length) : all.putInt(length);
        to.add(all.put(payload).array());
    }
}
