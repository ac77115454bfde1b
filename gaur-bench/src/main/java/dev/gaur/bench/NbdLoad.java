package dev.gaur.bench;

import dev.gaur.net.Endpoint;
import dev.gaur.net.Net;
import dev.gaur.net.Transport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * A light NBD client: keeps a number of requests in flight on one connection, looks at nothing but
 * the headers of replies, and counts. fio takes 4 microseconds for a request and so measures itself
 * when the server is faster than that.
 *
 * <p>Run by {@code bench/serve}: {@code NbdLoad SOCKET EXPORT read|write random|sequential BYTES
 * DEPTH SECONDS SPAN}; prints requests per second. Half a second before is not counted.
 */
public final class NbdLoad {
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int REQUEST_BYTES = 28;
    private static final int REPLY_BYTES = 16;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int REPLY_MAGIC = 0x67446698;
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final long WARM_UP_NANOS = 500_000_000;

    private final Transport transport;
    private final boolean write;
    private final boolean random;
    private final int size;
    private final int depth;
    private final long blocks;
    private final MemorySegment out;
    private final MemorySegment in;
    private final SplittableRandom numbers = new SplittableRandom(1);
    private long next;
    private int have;

    private NbdLoad(Transport transport, String[] args, Arena arena) {
        this.transport = transport;
        this.write = args[2].equals("write");
        this.random = args[3].equals("random");
        this.size = Integer.parseInt(args[4]);
        this.depth = Integer.parseInt(args[5]);
        this.blocks = Long.parseLong(args[7]) / size;
        int request = REQUEST_BYTES + (write ? size : 0);
        this.out = arena.allocate((long) request * depth, 4096);
        this.in = arena.allocate(Math.max(1 << 19, 2L * (REPLY_BYTES + size)), 4096);
        if (write) {
            out.fill((byte) 0x5a);
        }
    }

    /** Measures; see above. */
    public static void main(String[] args) throws IOException {
        try (Transport transport = Net.connect(new Endpoint.Unix(Path.of(args[0])));
                Arena arena = Arena.ofConfined()) {
            choose(transport, args[1], arena);
            NbdLoad load = new NbdLoad(transport, args, arena);
            long nanos = (long) (Double.parseDouble(args[6]) * 1e9);
            System.out.println(load.run(nanos));
        }
    }

    private static void choose(Transport transport, String export, Arena arena) throws IOException {
        MemorySegment greeting = arena.allocate(18);
        transport.receiveAll(greeting);
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        MemorySegment choice = arena.allocate(20L + name.length);
        choice.set(INT, 0, 3); // fixed newstyle, no zeroes
        choice.set(LONG, 4, OPTION_MAGIC);
        choice.set(INT, 12, 1); // export name
        choice.set(INT, 16, name.length);
        MemorySegment.copy(MemorySegment.ofArray(name), 0, choice, 20, name.length);
        transport.send(choice);
        transport.receiveAll(arena.allocate(10));
    }

    private long run(long nanos) throws IOException {
        send(depth);
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < WARM_UP_NANOS) {
            send(receive());
        }
        begin = System.nanoTime();
        long done = 0;
        long took;
        do {
            int count = receive();
            done += count;
            send(count);
            took = System.nanoTime() - begin;
        } while (took < nanos);
        for (int left = depth; left > 0; ) {
            left -= receive();
        }
        return (long) (done * 1e9 / took);
    }

    private void send(int count) throws IOException {
        long at = 0;
        for (int i = 0; i < count; i++) {
            long block = random ? numbers.nextLong(blocks) : next++ % blocks;
            out.set(INT, at, REQUEST_MAGIC);
            out.set(SHORT, at + 4, (short) 0);
            out.set(SHORT, at + 6, (short) (write ? 1 : 0));
            out.set(LONG, at + 8, i);
            out.set(LONG, at + 16, block * size);
            out.set(INT, at + 24, size);
            at += REQUEST_BYTES + (write ? size : 0);
        }
        if (at > 0) {
            transport.send(out.asSlice(0, at));
        }
    }

    /** Waits for replies; returns how many came whole. */
    private int receive() throws IOException {
        int reply = REPLY_BYTES + (write ? 0 : size);
        int count = transport.receive(in.asSlice(have));
        if (count == Transport.END) {
            throw new IOException("the server has left");
        }
        have += count;
        int whole = 0;
        int at = 0;
        for (; have - at >= reply; at += reply) {
            if (in.get(INT, at) != REPLY_MAGIC || in.get(INT, at + 4L) != 0) {
                throw new IOException("an error, or no reply");
            }
            whole++;
        }
        MemorySegment.copy(in, at, in, 0, have - at);
        have -= at;
        return whole;
    }
}
