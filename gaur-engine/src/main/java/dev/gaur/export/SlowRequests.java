package dev.gaur.export;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Does requests that may have to wait, and makes their answers. Nothing is thrown: what goes wrong
 * is an answer, too. Safe for use by many threads.
 */
final class SlowRequests {
    private static final int CACHE_STEP = 1 << 20;

    /** How many extents go into an answer that needs no memory worth counting. */
    private static final int EXTENTS_FEW = 16;

    private final Agreement agreed;
    private final Export export;
    private final BlockIo disk;
    private final ReplyFormat format;
    private final Buffers buffers;

    SlowRequests(Agreement agreed, Buffers buffers) {
        this.agreed = agreed;
        this.export = agreed.export();
        this.disk = export.disk();
        this.format = agreed.format();
        this.buffers = buffers;
    }

    /** An answer without data. */
    private record Short(List<MemorySegment> parts, Buffers.Buffer buffer)
            implements Outlet.Answer {
        static Short of(Buffers.Buffer buffer, long length) {
            return new Short(List.of(buffer.segment().asSlice(0, length)), buffer);
        }

        @Override
        public void done() {
            buffer.close();
        }
    }

    private Outlet.Answer done(Request request, Buffers.Buffer buffer) {
        export.counters().count(request, 0);
        return Short.of(buffer, format.putDone(buffer.segment(), 0, request));
    }

    private Outlet.Answer failed(Request request, Buffers.Buffer buffer, int error) {
        export.counters().count(request, error);
        String text = NbdErrors.text(error); // Not the message: names of files are nobody's.
        return Short.of(buffer, format.putError(buffer.segment(), 0, request, error, text));
    }

    private Outlet.Answer failed(Request request, Buffers.Buffer buffer, Throwable failure) {
        return failed(request, buffer, NbdErrors.of(failure));
    }

    /** Reads into {@code buffer}, which belongs to the answer from then on. */
    Outlet.Answer read(Request request, Buffers.Buffer buffer) {
        try {
            disk.read(request.offset(), buffer.data(request.length()));
        } catch (RuntimeException | Error failure) {
            return failed(request, buffer, failure);
        }
        return readReply(request, buffer);
    }

    /** Reads, with memory that may have to be waited for. */
    Outlet.Answer read(Request request) {
        Buffers.Buffer buffer;
        try {
            buffer = buffers.lease(request.length());
        } catch (BlockException.Media noMemory) {
            return failed(request, buffers.leaseAnswer(), noMemory);
        }
        return read(request, buffer);
    }

    /** Makes the answer to a read whose data is there. */
    Outlet.Answer readReply(Request request, Buffers.Buffer buffer) {
        export.counters().count(request, 0);
        return ReadReply.of(format, request, buffer, request.has(Nbd.CMD_FLAG_DF));
    }

    private static Durability durability(Request request) {
        return request.has(Nbd.CMD_FLAG_FUA) ? Durability.STABLE : Durability.CACHED;
    }

    /** Writes what is in {@code buffer}, which belongs to the answer from then on. */
    Outlet.Answer write(Request request, Buffers.Buffer buffer) {
        try {
            disk.write(request.offset(), buffer.data(request.length()), durability(request));
            return done(request, buffer);
        } catch (RuntimeException | Error failure) {
            return failed(request, buffer, failure);
        }
    }

    /** Writes; returns 0 or an error. */
    int tryWrite(Request request, MemorySegment data) {
        try {
            disk.write(request.offset(), data, durability(request));
            return 0;
        } catch (RuntimeException | OutOfMemoryError failure) {
            return NbdErrors.of(failure);
        }
    }

    /** Does any other request. */
    Outlet.Answer perform(Request request) {
        Buffers.Buffer buffer = buffers.leaseAnswer();
        try {
            switch (request.type()) {
                case Nbd.CMD_FLUSH -> disk.flush();
                case Nbd.CMD_TRIM -> trim(request);
                case Nbd.CMD_WRITE_ZEROES -> writeZeroes(request);
                case Nbd.CMD_CACHE -> cache(request);
                default -> throw new IllegalArgumentException("command " + request.type());
            }
            return done(request, buffer);
        } catch (RuntimeException | Error failure) {
            return failed(request, buffer, failure);
        }
    }

    private void trim(Request request) {
        disk.discard(request.offset(), request.length());
        if (request.has(Nbd.CMD_FLAG_FUA)) {
            disk.flush();
        }
    }

    private void writeZeroes(Request request) {
        boolean keep = request.has(Nbd.CMD_FLAG_NO_HOLE);
        boolean fast = request.has(Nbd.CMD_FLAG_FAST_ZERO);
        ZeroMode mode =
                keep
                        ? fast ? ZeroMode.KEEP_FAST : ZeroMode.KEEP
                        : fast ? ZeroMode.UNMAP_FAST : ZeroMode.UNMAP;
        disk.zero(request.offset(), request.length(), mode, durability(request));
    }

    /** Brings a range into memory, which nobody keeps there. */
    private void cache(Request request) {
        try (Buffers.Buffer scratch = buffers.tryLeaseHere(CACHE_STEP)) {
            if (scratch == null) {
                return; // It is a wish, and there is better use for memory now.
            }
            for (long done = 0; done < request.length(); ) {
                long count = Math.min(CACHE_STEP, request.length() - done);
                disk.read(request.offset() + done, scratch.data(count));
                done += count;
            }
        }
    }

    // ---- status

    /** Answers a request for the status of a range in all contexts that the client has chosen. */
    Outlet.Answer status(Request request) {
        return status(request, agreed.contexts());
    }

    private Outlet.Answer status(Request request, List<ChosenContext> contexts) {
        int share = request.has(Nbd.CMD_FLAG_REQ_ONE) ? 1 : share(Nbd.EXTENTS_MAX, contexts);
        return status(request, contexts, share);
    }

    private static int share(int extents, List<ChosenContext> contexts) {
        return Math.max(1, extents / Math.max(1, contexts.size()));
    }

    private Outlet.Answer status(Request request, List<ChosenContext> contexts, int most) {
        boolean wide = format == ReplyFormat.EXTENDED;
        try {
            List<StatusList> lists = new ArrayList<>();
            long total = 0;
            for (ChosenContext context : contexts) {
                StatusList list =
                        StatusList.of(
                                context.context(),
                                disk,
                                request.offset(),
                                request.length(),
                                most,
                                wide);
                lists.add(list);
                total += ReplyFormat.DATA_HEADER_BYTES_MAX + StatusList.bytes(list.count(), wide);
            }
            Buffers.Buffer buffer =
                    total <= ReplyFormat.ERROR_BYTES_MAX
                            ? buffers.leaseAnswer()
                            : buffers.tryLease(total);
            if (buffer == null) { // A worker must not wait for a client to take its answers.
                int few = share(EXTENTS_FEW, contexts);
                return most > few
                        ? status(request, contexts, few)
                        : failed(request, buffers.leaseAnswer(), NbdErrors.ENOMEM);
            }
            export.counters().count(request, 0);
            return putStatus(request, contexts, lists, buffer);
        } catch (RuntimeException | Error failure) {
            return failed(request, buffers.leaseAnswer(), failure);
        }
    }

    private Outlet.Answer putStatus(
            Request request,
            List<ChosenContext> contexts,
            List<StatusList> lists,
            Buffers.Buffer buffer) {
        boolean wide = format == ReplyFormat.EXTENDED;
        int type = wide ? Nbd.REPLY_TYPE_BLOCK_STATUS_EXT : Nbd.REPLY_TYPE_BLOCK_STATUS;
        MemorySegment target = buffer.segment();
        long at = 0;
        for (int i = 0; i < lists.size(); i++) {
            StatusList list = lists.get(i);
            int flags = i == lists.size() - 1 ? Nbd.REPLY_FLAG_DONE : 0;
            long size = StatusList.bytes(list.count(), wide);
            at += format.putChunk(target, at, request, flags, type, size);
            list.put(target.asSlice(at, size), contexts.get(i).id(), wide);
            at += size;
        }
        return Short.of(buffer, at);
    }

    /**
     * Answers a request whose payload has the length of the range and the numbers of the contexts
     * that the client wants to hear of.
     *
     * @param payload a copy: it is looked at later
     */
    Outlet.Answer status(Request request, MemorySegment payload) {
        long count = (payload.byteSize() - Long.BYTES) / Integer.BYTES;
        if (count < 1 || payload.byteSize() != Long.BYTES + count * Integer.BYTES) {
            return invalid(request);
        }
        long length = Bytes.u64(payload, 0);
        Request range =
                new Request(
                        request.flags(),
                        request.type(),
                        request.cookie(),
                        request.offset(),
                        length);
        List<ChosenContext> chosen = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long id = Bytes.u32(payload, Long.BYTES + (long) i * Integer.BYTES);
            if (id >= agreed.contexts().size() || chosen.size() == agreed.contexts().size()) {
                return invalid(request);
            }
            chosen.add(agreed.contexts().get((int) id));
        }
        boolean possible = length > 0 && Refusals.isWithin(range, agreed.size());
        return possible ? status(range, chosen) : invalid(request);
    }

    private Outlet.Answer invalid(Request request) {
        return failed(request, buffers.leaseAnswer(), NbdErrors.EINVAL);
    }
}
