package dev.gaur.storage.nbd;

import dev.gaur.nbd.Nbd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Reads a server's answers and gives them to their requests. Believes nothing: an answer is to a
 * request that waits for one, and stays within it. For one thread at a time.
 */
final class ReplyReader {
    private static final int HOLE_BYTES = 12;
    private static final int ERROR_BYTES_MIN = 6;
    private static final int ERROR_BIT = 1 << 15;

    private final Inlet inlet;
    private final ExportInfo.ReplyMode mode;
    private final Set<Integer> contexts;
    private final Flights flights;

    ReplyReader(Inlet inlet, ExportInfo.ReplyMode mode, Set<Integer> contexts, Flights flights) {
        this.inlet = inlet;
        this.mode = mode;
        this.contexts = Set.copyOf(contexts);
        this.flights = flights;
    }

    /** Reads the next answer, or a chunk of one. Waits for it. */
    void next() throws IOException {
        inlet.await(Integer.BYTES);
        int magic = (int) inlet.u32(0);
        boolean extended = mode == ExportInfo.ReplyMode.EXTENDED;
        if (magic == Nbd.SIMPLE_REPLY_MAGIC && !extended) {
            simple();
        } else if (magic == Nbd.STRUCTURED_REPLY_MAGIC && mode == ExportInfo.ReplyMode.STRUCTURED) {
            inlet.await(Nbd.STRUCTURED_REPLY_BYTES);
            chunk(Nbd.STRUCTURED_REPLY_BYTES, inlet.u32(16));
        } else if (magic == Nbd.EXTENDED_REPLY_MAGIC && extended) {
            inlet.await(Nbd.EXTENDED_REPLY_BYTES);
            chunk(Nbd.EXTENDED_REPLY_BYTES, inlet.u64(24));
        } else {
            throw new Violation("it sends what is no answer (0x%08x)".formatted(magic));
        }
    }

    private Flight find(long cookie) throws Violation {
        Flight flight = flights.find(cookie);
        if (flight == null) {
            throw new Violation("it answers what was not asked");
        }
        return flight;
    }

    private void simple() throws IOException {
        inlet.await(Nbd.SIMPLE_REPLY_BYTES);
        int error = (int) inlet.u32(4);
        Flight flight = find(inlet.u64(8));
        inlet.skip(Nbd.SIMPLE_REPLY_BYTES);
        Command command = flight.command();
        if (error != 0) {
            flight.takeError(error, "");
        } else if (command.isRead()) {
            if (mode != ExportInfo.ReplyMode.SIMPLE) {
                throw new Violation("it answers a read without chunks");
            }
            inlet.read(flight.take(command.offset(), command.length()));
        }
        flight.complete();
    }

    private void chunk(int headerBytes, long length) throws IOException {
        int flags = inlet.u16(4);
        int type = inlet.u16(6);
        Flight flight = find(inlet.u64(8));
        inlet.skip(headerBytes);
        switch (type) {
            case Nbd.REPLY_TYPE_NONE -> {
                require(length == 0 && (flags & Nbd.REPLY_FLAG_DONE) != 0, "an empty chunk");
            }
            case Nbd.REPLY_TYPE_OFFSET_DATA -> data(flight, length);
            case Nbd.REPLY_TYPE_OFFSET_HOLE -> hole(flight, length);
            case Nbd.REPLY_TYPE_BLOCK_STATUS -> status(flight, length);
            case Nbd.REPLY_TYPE_BLOCK_STATUS_EXT -> extendedStatus(flight, length);
            default -> {
                require((type & ERROR_BIT) != 0, "a chunk of type " + type);
                error(flight, length);
            }
        }
        if ((flags & Nbd.REPLY_FLAG_DONE) != 0) {
            flight.complete();
        }
    }

    private static void require(boolean condition, String what) throws Violation {
        if (!condition) {
            throw new Violation("it sends " + what + " that makes no sense");
        }
    }

    private void data(Flight flight, long length) throws IOException {
        require(length > Long.BYTES, "a data chunk");
        inlet.await(Long.BYTES);
        MemorySegment target = flight.take(inlet.u64(0), length - Long.BYTES);
        inlet.skip(Long.BYTES);
        inlet.read(target);
    }

    private void hole(Flight flight, long length) throws IOException {
        require(length == HOLE_BYTES, "a hole");
        inlet.await(HOLE_BYTES);
        flight.take(inlet.u64(0), inlet.u32(8)).fill((byte) 0);
        inlet.skip(HOLE_BYTES);
    }

    private void error(Flight flight, long length) throws IOException {
        require(length >= ERROR_BYTES_MIN, "an error");
        require(length <= ERROR_BYTES_MIN + Nbd.STRING_MAX + Long.BYTES, "an error");
        inlet.await(ERROR_BYTES_MIN);
        int error = (int) inlet.u32(0);
        int textBytes = inlet.u16(4);
        boolean sound = textBytes <= length - ERROR_BYTES_MIN && textBytes <= Nbd.STRING_MAX;
        require(error != 0 && sound, "an error");
        inlet.skip(ERROR_BYTES_MIN);
        String text = new String(inlet.bytes(textBytes), StandardCharsets.UTF_8);
        inlet.bytes((int) length - ERROR_BYTES_MIN - textBytes);
        flight.takeError(error, ServerText.printable(text));
    }

    // ---- block status

    private void status(Flight flight, long length) throws IOException {
        long count = (length - Integer.BYTES) / Long.BYTES;
        require(
                count > 0
                        && length == Integer.BYTES + count * Long.BYTES
                        && mode == ExportInfo.ReplyMode.STRUCTURED,
                "a block status");
        int context = context(count);
        long[] extents = new long[2 * (int) count];
        for (int i = 0; i < extents.length; i++) {
            inlet.await(Integer.BYTES);
            extents[i] = inlet.u32(0);
            inlet.skip(Integer.BYTES);
        }
        take(flight, context, extents);
    }

    private void extendedStatus(Flight flight, long length) throws IOException {
        long count = (length - Long.BYTES) / (2 * Long.BYTES);
        require(
                count > 0
                        && length == Long.BYTES + count * 2 * Long.BYTES
                        && mode == ExportInfo.ReplyMode.EXTENDED,
                "a block status");
        int context = context(count);
        inlet.await(Integer.BYTES);
        require(inlet.u32(0) == count, "a block status");
        inlet.skip(Integer.BYTES);
        long[] extents = new long[2 * (int) count];
        for (int i = 0; i < extents.length; i++) {
            inlet.await(Long.BYTES);
            extents[i] = inlet.u64(0);
            inlet.skip(Long.BYTES);
        }
        take(flight, context, extents);
    }

    private int context(long count) throws IOException {
        require(count <= Nbd.EXTENTS_MAX, "a block status");
        inlet.await(Integer.BYTES);
        int context = (int) inlet.u32(0);
        inlet.skip(Integer.BYTES);
        require(contexts.contains(context), "the status of a context");
        return context;
    }

    /** Only the last extent may reach behind the request. */
    private static void take(Flight flight, int context, long[] extents) throws Violation {
        long left = flight.command().length();
        for (int i = 0; i < extents.length; i += 2) {
            require(extents[i] > 0 && left > 0, "an extent");
            extents[i] = Math.min(left, extents[i]);
            left -= extents[i];
        }
        flight.takeStatus(context, extents);
    }
}
