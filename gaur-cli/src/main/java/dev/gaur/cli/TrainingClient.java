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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A client for the training run: says all it has to say at once, and reads until the server has
 * answered that. Servers here have an export {@code overlay} and end with their last client.
 */
final class TrainingClient {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String EXPORT = "overlay";
    private static final int BYTES = 4096;
    private static final int ROUNDS = 16;

    private TrainingClient() {}

    /** Runs a server within this process, and uses it. */
    static void run(PrintStream out, String socket, String... command) throws IOException {
        Thread server = Thread.ofPlatform().start(() -> Main.run(Program.GAUR, command, out, out));
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!Files.exists(Path.of(socket))) {
            Thread.yield();
            if (!server.isAlive() || System.nanoTime() > end) {
                throw new IOException("the server does not listen");
            }
        }
        try (Arena arena = Arena.ofConfined();
                Transport transport = Net.connect(new Endpoint.Unix(Path.of(socket)))) {
            byte[] all = conversation();
            transport.send(arena.allocate(all.length).copyFrom(MemorySegment.ofArray(all)));
            MemorySegment answers = arena.allocate(1 << 16);
            while (transport.receive(answers) != Transport.END) {
                // Others look at the answers.
            }
        }
        try {
            if (!server.join(PATIENCE)) {
                throw new IOException("the server does not end");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static byte[] conversation() {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 18);
        bytes.putInt(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        byte[] name = EXPORT.getBytes(StandardCharsets.US_ASCII);
        byte[] context = Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.US_ASCII);
        option(bytes, Nbd.OPT_STRUCTURED_REPLY, 0);
        option(bytes, Nbd.OPT_SET_META_CONTEXT, 4 + name.length + 4 + 4 + context.length);
        bytes.putInt(name.length).put(name).putInt(1).putInt(context.length).put(context);
        option(bytes, Nbd.OPT_GO, 4 + name.length + 2);
        bytes.putInt(name.length).put(name).putShort((short) 0);
        for (int i = 0; i < ROUNDS; i++) {
            request(bytes, Nbd.CMD_WRITE, i, BYTES).put(new byte[BYTES]);
            request(bytes, Nbd.CMD_READ, i, BYTES);
            request(bytes, Nbd.CMD_READ, i + ROUNDS, BYTES);
            request(bytes, Nbd.CMD_BLOCK_STATUS, 0, ROUNDS * BYTES);
            request(bytes, Nbd.CMD_WRITE_ZEROES, i, BYTES);
            request(bytes, Nbd.CMD_TRIM, i, BYTES);
            request(bytes, Nbd.CMD_FLUSH, 0, 0);
        }
        request(bytes, Nbd.CMD_DISC, 0, 0);
        byte[] all = new byte[bytes.flip().remaining()];
        bytes.get(all);
        return all;
    }

    private static void option(ByteBuffer bytes, int option, int length) {
        bytes.putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(length);
    }

    private static ByteBuffer request(ByteBuffer bytes, int type, long block, int length) {
        bytes.putInt(Nbd.REQUEST_MAGIC).putShort((short) 0).putShort((short) type);
        return bytes.putLong(0).putLong(block * BYTES).putInt(length);
    }
}
