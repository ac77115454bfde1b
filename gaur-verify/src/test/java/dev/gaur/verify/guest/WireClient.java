package dev.gaur.verify.guest;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Net;
import dev.gaur.net.Transport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * As much of an NBD client as the soak needs: many requests under way at once on one connection,
 * with structured replies and block status. Any error fails. For one thread.
 */
final class WireClient implements AutoCloseable {
    /** One request, and what came of it. */
    static final class Call {
        final int command;
        final int flags;
        final long offset;
        final int length;

        /** What is written, or was read. */
        final MemorySegment data;

        /** What a status said: pairs of length and flags. */
        int[] extents = {};

        Call(int command, int flags, long offset, int length, MemorySegment data) {
            this.command = command;
            this.flags = flags;
            this.offset = offset;
            this.length = length;
            this.data = data.asSlice(0, Math.min(length, data.byteSize()));
        }

        boolean is(int other) {
            return command == other;
        }
    }

    private static final int CLIENT_FLAGS = Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES;
    private static final int GREETING_BYTES = 18;
    private static final int OPTION_REPLY_BYTES = 20;

    private final Transport transport;

    private WireClient(Transport transport) {
        this.transport = transport;
    }

    /** Connects, and chooses contexts: the first that the server has is what a status tells. */
    static WireClient connect(Path socket, String export, List<String> contexts)
            throws IOException {
        WireClient client = new WireClient(Net.connect(new Endpoint.Unix(socket)));
        client.take(GREETING_BYTES);
        client.give(ByteBuffer.allocate(Integer.BYTES).putInt(CLIENT_FLAGS));
        client.option(Nbd.OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0));
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        ByteBuffer queries = ByteBuffer.allocate(Nbd.STRING_MAX);
        queries.putInt(name.length).put(name).putInt(contexts.size());
        for (String context : contexts) {
            byte[] query = context.getBytes(StandardCharsets.UTF_8);
            queries.putInt(query.length).put(query);
        }
        client.option(Nbd.OPT_SET_META_CONTEXT, queries);
        ByteBuffer go = ByteBuffer.allocate(Nbd.STRING_MAX);
        client.option(Nbd.OPT_GO, go.putInt(name.length).put(name).putShort((short) 0));
        return client;
    }

    private void option(int option, ByteBuffer data) throws IOException {
        int size = data.position();
        ByteBuffer request = ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + size);
        request.putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(size).put(data.array(), 0, size);
        give(request);
        int type;
        do {
            ByteBuffer reply = take(OPTION_REPLY_BYTES);
            type = reply.getInt(Long.BYTES + Integer.BYTES);
            take(reply.getInt(Long.BYTES + 2 * Integer.BYTES));
            if (type < 0) {
                throw new AssertionError("option " + option + ": error " + (type & 0xffff));
            }
        } while (type != Nbd.REP_ACK);
    }

    /** Has all calls under way at once, and waits for all. */
    void run(List<Call> calls) throws IOException, InterruptedException {
        // Who sends all before receiving anything waits forever for who does the same.
        Thread sender = Thread.ofPlatform().start(() -> send(calls));
        boolean[] done = new boolean[calls.size()];
        for (int left = calls.size(); left > 0; ) {
            left -= receive(calls, done) ? 1 : 0;
        }
        sender.join();
    }

    /** Sends requests and hangs up without waiting for answers. */
    void abandon(List<Call> calls) {
        send(calls);
        transport.shutdown();
        close();
    }

    private void send(List<Call> calls) {
        try {
            for (int i = 0; i < calls.size(); i++) {
                Call call = calls.get(i);
                give(request(call.flags, call.command, i, call.offset, call.length));
                if (call.is(Nbd.CMD_WRITE)) {
                    transport.send(call.data);
                }
            }
        } catch (IOException _) {
            // Who receives notices, too.
        }
    }

    private static ByteBuffer request(int flags, int command, long id, long offset, int length) {
        return ByteBuffer.allocate(Nbd.REQUEST_BYTES)
                .putInt(Nbd.REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(id)
                .putLong(offset)
                .putInt(length);
    }

    /** Takes one reply or a part of one; tells whether it was its request's last. */
    private boolean receive(List<Call> calls, boolean[] done) throws IOException {
        int magic = take(Integer.BYTES).getInt();
        boolean last = true;
        int id;
        if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
            ByteBuffer reply = take(Nbd.SIMPLE_REPLY_BYTES - Integer.BYTES);
            int error = reply.getInt();
            id = Math.toIntExact(reply.getLong());
            if (error != 0) {
                throw failed(calls.get(id), error);
            }
        } else if (magic == Nbd.STRUCTURED_REPLY_MAGIC) {
            ByteBuffer reply = take(Nbd.STRUCTURED_REPLY_BYTES - Integer.BYTES);
            last = (reply.getShort() & Nbd.REPLY_FLAG_DONE) != 0;
            int type = reply.getShort() & 0xffff;
            id = Math.toIntExact(reply.getLong());
            chunk(calls.get(id), type, reply.getInt());
        } else {
            throw new AssertionError("a reply begins with 0x" + Integer.toHexString(magic));
        }
        if (done[id]) {
            throw new AssertionError("request " + id + " is answered again");
        }
        done[id] = last;
        return last;
    }

    private void chunk(Call call, int type, int length) throws IOException {
        switch (type) {
            case Nbd.REPLY_TYPE_NONE -> take(length);
            case Nbd.REPLY_TYPE_OFFSET_DATA -> {
                long at = take(Long.BYTES).getLong() - call.offset;
                transport.receiveAll(call.data.asSlice(at, length - Long.BYTES));
            }
            case Nbd.REPLY_TYPE_OFFSET_HOLE -> {
                ByteBuffer hole = take(length);
                long at = hole.getLong() - call.offset;
                call.data.asSlice(at, hole.getInt()).fill((byte) 0);
            }
            case Nbd.REPLY_TYPE_BLOCK_STATUS -> {
                int[] numbers = new int[length / Integer.BYTES];
                take(length).asIntBuffer().get(numbers);
                if (call.extents.length == 0) { // The first context.
                    call.extents = Arrays.copyOfRange(numbers, 1, numbers.length);
                }
            }
            default -> throw failed(call, take(length).getInt());
        }
    }

    private static AssertionError failed(Call call, int error) {
        return new AssertionError(
                "command %d at %d+%d: error %d"
                        .formatted(call.command, call.offset, call.length, error));
    }

    private void give(ByteBuffer bytes) throws IOException {
        try (Arena passing = Arena.ofConfined()) {
            byte[] array = Arrays.copyOf(bytes.array(), bytes.position());
            transport.send(passing.allocateFrom(ValueLayout.JAVA_BYTE, array));
        }
    }

    private ByteBuffer take(int count) throws IOException {
        try (Arena passing = Arena.ofConfined()) {
            MemorySegment bytes = passing.allocate(Math.max(1, count));
            transport.receiveAll(bytes.asSlice(0, count));
            return ByteBuffer.wrap(bytes.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** Says goodbye and hangs up. */
    void end() throws IOException {
        give(request(0, Nbd.CMD_DISC, 0, 0, 0));
        close();
    }

    @Override
    public void close() {
        transport.close();
    }
}
