package dev.gaur.verify.guest;

import dev.gaur.nbd.Nbd;
import dev.gaur.verify.guest.WireClient.Call;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * One client of the soak: sends batches of requests to an area of the disk that is its own, knows
 * what each block must be, and comes again on a new connection now and then. Each request of a
 * batch has a part of the area for itself. For one thread.
 */
final class SoakClient {
    static final int AREA = 64 << 20;
    static final int DEPTH = 16;

    private static final int BLOCK = 4096;
    private static final int PART = AREA / DEPTH;
    private static final int LENGTH_MAX = 256 << 10;
    private static final int CLUSTER = 64 << 10;
    private static final int RECONNECT = 100;
    private static final int PERCENT = 100;

    /** Seldom, or the test would measure the machine's disk. */
    private static final int FLUSH_EVERY = 400;

    private static final long STEP = 0x9E3779B97F4A7C15L;

    private final Path socket;
    private final long base;
    private final Random random;

    /** The writes that blocks are of, counted from 1; 0 for zeros. */
    private final int[] versions = new int[AREA / BLOCK];

    private final List<MemorySegment> buffers = new ArrayList<>();
    private int writes;
    private long moved;

    SoakClient(Path socket, int number, long seed) {
        this.socket = socket;
        this.base = (long) number * AREA;
        this.random = new Random(seed + number);
        for (int i = 0; i < DEPTH; i++) {
            buffers.add(Arena.ofAuto().allocate(LENGTH_MAX, Long.BYTES));
        }
    }

    /** Returns how many bytes were read and written. */
    long moved() {
        return moved;
    }

    /** Tells after each batch that it is done, until the answer is no. */
    interface Progress {
        boolean goesOn();
    }

    /** Sends batches as long as it is told to, and then reads all once more. */
    void run(Progress progress) throws IOException, InterruptedException {
        boolean more = true;
        while (more) {
            WireClient client = connect();
            for (int i = 0; i < RECONNECT && more; i++) {
                List<Call> calls = batch();
                client.run(calls);
                calls.forEach(this::judge);
                more = progress.goesOn();
            }
            if (random.nextBoolean()) {
                client.end();
            } else {
                client.abandon(reads());
            }
        }
        readAll();
    }

    private WireClient connect() throws IOException {
        List<String> contexts = new ArrayList<>(List.of(Nbd.BASE_ALLOCATION));
        if (random.nextBoolean()) {
            contexts.add(Nbd.DIRTY_BITMAP + SoakServer.BITMAP);
        }
        return WireClient.connect(socket, SoakServer.EXPORT, contexts);
    }

    private void readAll() throws IOException, InterruptedException {
        try (WireClient client = connect()) {
            for (int at = 0; at < PART; at += LENGTH_MAX) {
                List<Call> calls = new ArrayList<>();
                for (int i = 0; i < DEPTH; i++) {
                    calls.add(call(Nbd.CMD_READ, i, i * PART + at, LENGTH_MAX));
                }
                client.run(calls);
                calls.forEach(this::judge);
            }
        }
    }

    private List<Call> reads() {
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < DEPTH; i++) {
            calls.add(call(Nbd.CMD_READ, i, i * PART, LENGTH_MAX));
        }
        return calls;
    }

    /** Draws requests, and notes what they change. */
    private List<Call> batch() {
        List<Call> calls = new ArrayList<>();
        for (int part = 0; part < DEPTH; part++) {
            boolean flush = random.nextInt(FLUSH_EVERY) == 0;
            int command = flush ? Nbd.CMD_FLUSH : command(random.nextInt(PERCENT));
            int unit = command == Nbd.CMD_TRIM ? CLUSTER : BLOCK;
            int length = unit * (1 + random.nextInt(1 + random.nextInt(LENGTH_MAX / unit)));
            int at = part * PART + random.nextInt((PART - length) / unit + 1) * unit;
            Call call = call(command, part, at, length);
            switch (command) {
                case Nbd.CMD_WRITE -> fill(call, ++writes);
                case Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES -> note(call, 0);
                default -> {}
            }
            calls.add(call);
        }
        return calls;
    }

    private static int command(int percent) {
        if (percent < 40) {
            return Nbd.CMD_READ;
        } else if (percent < 78) {
            return Nbd.CMD_WRITE;
        } else if (percent < 85) {
            return Nbd.CMD_WRITE_ZEROES;
        } else if (percent < 91) {
            return Nbd.CMD_TRIM;
        }
        return Nbd.CMD_BLOCK_STATUS;
    }

    private Call call(int command, int part, int at, int length) {
        int flags =
                switch (command) {
                    case Nbd.CMD_WRITE -> random.nextInt(FLUSH_EVERY) == 0 ? Nbd.CMD_FLAG_FUA : 0;
                    case Nbd.CMD_WRITE_ZEROES -> random.nextBoolean() ? Nbd.CMD_FLAG_NO_HOLE : 0;
                    default -> 0;
                };
        boolean flush = command == Nbd.CMD_FLUSH;
        MemorySegment buffer = buffers.get(part);
        return new Call(command, flags, flush ? 0 : base + at, flush ? 0 : length, buffer);
    }

    private int block(Call call) {
        return Math.toIntExact((call.offset - base) / BLOCK);
    }

    private void note(Call call, int version) {
        for (int i = 0; i < call.length / BLOCK; i++) {
            versions[block(call) + i] = version;
        }
    }

    private void fill(Call call, int version) {
        note(call, version);
        for (long at = 0; at < call.length; at += Long.BYTES) {
            call.data.set(ValueLayout.JAVA_LONG, at, word(version, call.offset + at));
        }
        moved += call.length;
    }

    /** What is written is another for each write and each place. */
    private static long word(int version, long place) {
        return (version * STEP ^ place) * STEP | 1;
    }

    private void judge(Call call) {
        if (call.is(Nbd.CMD_READ)) {
            moved += call.length;
            for (long at = 0; at < call.length; at += Long.BYTES) {
                int version = versions[block(call) + (int) (at / BLOCK)];
                long expected = version == 0 ? 0 : word(version, call.offset + at);
                if (call.data.get(ValueLayout.JAVA_LONG, at) != expected) {
                    throw new AssertionError("other bytes at " + (call.offset + at));
                }
            }
        } else if (call.is(Nbd.CMD_BLOCK_STATUS)) {
            judgeStatus(call);
        }
    }

    private void judgeStatus(Call call) {
        long at = 0;
        for (int i = 0; i < call.extents.length; i += 2) {
            boolean zero = (call.extents[i + 1] & Nbd.STATE_ZERO) != 0;
            long end = Math.min(call.length, at + call.extents[i]);
            for (; zero && at < end; at += BLOCK) {
                if (versions[block(call) + (int) (at / BLOCK)] != 0) {
                    throw new AssertionError("no zeros at " + (call.offset + at));
                }
            }
            at = end;
        }
        if (at == 0) {
            throw new AssertionError("no status at " + call.offset);
        }
    }
}
