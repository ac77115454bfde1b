package dev.gaur.cli;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Net;
import dev.gaur.net.Transport;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/**
 * A client for the training run: sends what clients send, and takes the answers without looking at
 * them, which others do. Servers here have an export {@code overlay} of 64 MiB and end with their
 * last client.
 */
final class TrainingClient {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String EXPORT = "overlay";
    private static final int BYTES = 4096;
    private static final int BLOCKS = 16384;
    private static final int ROUNDS = 16;

    /** So many that what is hot has been compiled, and what was learned for that is kept. */
    private static final int BATCHES = 600;

    private static final int BATCH = 16;

    private static final int GREETING_BYTES = 18;
    private static final int OPTIONS = 3;

    /** The header of a reply to an option; that of a chunk has as many. */
    private static final int REPLY_BYTES = 20;

    private static final int OPTION_TYPE_AT = 12;
    private static final int SIMPLE_BYTES = 16;
    private static final int FLAGS_AT = 4;
    private static final int LENGTH_AT = 16;

    private final Transport transport;
    private final MemorySegment memory;
    private final ByteBuffer requests;
    private int open;

    private TrainingClient(Arena arena, Transport transport) {
        this.transport = transport;
        this.memory = arena.allocate(1 << 18);
        this.requests = ByteBuffer.allocate(1 << 18);
    }

    /** Runs a server within this process, and uses it. */
    static void run(PrintStream out, String socket, String... command) throws IOException {
        // If this fails, nothing may keep the build from ending.
        Thread server =
                Thread.ofPlatform().daemon().start(() -> Main.run(Program.GAUR, command, out, out));
        try (Arena arena = Arena.ofConfined();
                Transport transport = connect(Path.of(socket), server)) {
            new TrainingClient(arena, transport).talk();
        }
        try {
            if (!server.join(PATIENCE)) {
                throw new IOException("the server does not end");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** A socket has its name a moment before anybody listens. */
    private static Transport connect(Path socket, Thread server) throws IOException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return Net.connect(new Endpoint.Unix(socket));
            } catch (IOException failure) {
                if (!server.isAlive() || System.nanoTime() > end) {
                    throw new IOException("the server does not listen", failure);
                }
                Thread.yield();
            }
        }
    }

    private void talk() throws IOException {
        greet();
        for (int i = 0; i < ROUNDS; i++) {
            request(Nbd.CMD_WRITE, i, BYTES).put(new byte[BYTES]);
            request(Nbd.CMD_READ, i, BYTES);
            request(Nbd.CMD_READ, i + ROUNDS, BYTES);
            request(Nbd.CMD_BLOCK_STATUS, 0, ROUNDS * BYTES);
            request(Nbd.CMD_WRITE_ZEROES, i, BYTES);
            request(Nbd.CMD_TRIM, i, BYTES);
            request(Nbd.CMD_FLUSH, 0, 0);
            exchange();
        }
        work();
        request(Nbd.CMD_DISC, 0, 0);
        send();
    }

    /** Writes in order and at random, and reads. */
    private void work() throws IOException {
        byte[] data = new byte[BYTES];
        var random = new Random(1);
        random.nextBytes(data);
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < BATCH; i++) {
                boolean inOrder = batch % 2 == 0;
                int block = inOrder ? batch / 2 * BATCH + i : random.nextInt(BLOCKS);
                request(Nbd.CMD_WRITE, block, BYTES).put(data);
                request(Nbd.CMD_READ, random.nextInt(BLOCKS), BYTES);
            }
            if (batch % BATCH == 0) {
                request(Nbd.CMD_FLUSH, 0, 0);
            }
            exchange();
        }
    }

    private void greet() throws IOException {
        requests.putInt(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        byte[] name = EXPORT.getBytes(StandardCharsets.US_ASCII);
        byte[] context = Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.US_ASCII);
        option(Nbd.OPT_STRUCTURED_REPLY, 0);
        option(Nbd.OPT_SET_META_CONTEXT, 4 + name.length + 4 + 4 + context.length);
        requests.putInt(name.length).put(name).putInt(1).putInt(context.length).put(context);
        option(Nbd.OPT_GO, 4 + name.length + 2);
        requests.putInt(name.length).put(name).putShort((short) 0);
        send();
        receive(GREETING_BYTES);
        for (int acknowledged = 0; acknowledged < OPTIONS; ) {
            ByteBuffer reply = receive(REPLY_BYTES);
            acknowledged += reply.getInt(OPTION_TYPE_AT) == Nbd.REP_ACK ? 1 : 0;
            receive(reply.getInt(LENGTH_AT));
        }
    }

    /** Sends the requests, and takes all answers. */
    private void exchange() throws IOException {
        send();
        while (open > 0) {
            ByteBuffer reply = receive(SIMPLE_BYTES);
            if (reply.getInt(0) == Nbd.SIMPLE_REPLY_MAGIC) {
                open--;
                continue;
            }
            open -= (reply.getShort(FLAGS_AT) & Nbd.REPLY_FLAG_DONE) != 0 ? 1 : 0;
            receive(receive(Integer.BYTES).getInt());
        }
    }

    private void send() throws IOException {
        int size = requests.flip().remaining();
        MemorySegment.copy(MemorySegment.ofArray(requests.array()), 0, memory, 0, size);
        requests.clear();
        transport.send(memory.asSlice(0, size));
    }

    private ByteBuffer receive(int count) throws IOException {
        byte[] bytes = new byte[count];
        transport.receiveAll(memory.asSlice(0, count));
        MemorySegment.copy(memory, 0, MemorySegment.ofArray(bytes), 0, count);
        return ByteBuffer.wrap(bytes);
    }

    private void option(int option, int length) {
        requests.putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(length);
    }

    private ByteBuffer request(int type, long block, int length) {
        open += type == Nbd.CMD_DISC ? 0 : 1;
        requests.putInt(Nbd.REQUEST_MAGIC).putShort((short) 0).putShort((short) type);
        return requests.putLong(0).putLong(block * BYTES).putInt(length);
    }
}
