package dev.gaur.export;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * The reads that a connection's thread does itself: at once if the data is in memory; else, if the
 * system can be told to bring it there, once it is. So dozens of reads of a cold disk are under way
 * without a thread for each. Who has nothing else to do waits for the oldest. Writes that the disk
 * does by itself are kept here, too.
 *
 * <p>For the connection's thread.
 */
final class Reads implements Outlet.Holder {
    /** Larger answers do not go through the batch. */
    private static final int SMALL = 64 << 10;

    /** More would be brought to memory than any client waits for. */
    private static final int AWAITED_MAX = 256;

    /** Data comes in about the order it was asked for: behind these few none is looked for. */
    private static final int MISSES_MAX = 3;

    private final Export export;
    private final BlockIo disk;
    private final ReplyFormat format;
    private final Outlet outlet;
    private final Buffers buffers;
    private final SlowRequests slow;
    private final ArrayDeque<Request> awaited = new ArrayDeque<>();
    private final BegunRequests begun;

    Reads(Agreement agreed, Outlet outlet, Buffers buffers, SlowRequests slow) {
        this.export = agreed.export();
        this.disk = export.disk();
        this.format = agreed.format();
        this.outlet = outlet;
        this.buffers = buffers;
        this.slow = slow;
        this.begun = new BegunRequests(disk, buffers);
    }

    /** Tells whether no read waits for its data. */
    boolean isEmpty() {
        return awaited.isEmpty() && begun.isEmpty();
    }

    @Override
    public boolean holds() {
        return begun.isUnderWay();
    }

    /** Waits for the disk, after which nobody waits for this thread. */
    @Override
    public void letGo() {
        begun.finishAll();
    }

    /** Answers a read, or has its data brought; returns false if somebody else must do it. */
    boolean begin(Request request) {
        if (answer(request, false)) {
            return true;
        }
        if (awaited.size() < AWAITED_MAX && prefetch(request)) {
            awaited.add(request);
            return true;
        }
        return request.length() <= SMALL && begun.beginRead(request);
    }

    /** Returns kept memory for a write that may be begun once its data is there; else null. */
    Buffers.@Nullable Buffer leaseToWrite(Request request) {
        return begun.mayWrite(request) ? buffers.tryLeaseKept(request.length()) : null;
    }

    /**
     * Begins a write, which is answered with the reads; returns false if somebody else must do it.
     *
     * @param buffer kept memory with its data, given back here if it begins
     */
    boolean beginWrite(Request request, Buffers.Buffer buffer) {
        return begun.beginWrite(request, buffer);
    }

    private boolean prefetch(Request request) {
        try {
            return disk.prefetch(request.offset(), request.length());
        } catch (RuntimeException | OutOfMemoryError _) {
            return false; // Who reads will learn it.
        }
    }

    /** Waits for the oldest read, and answers others whose data has come meanwhile. */
    void answerOldest() {
        if (awaited.isEmpty()) {
            begun.finishOldest();
        } else {
            letGo();
            answer(awaited.remove(), true);
        }
        answerReady();
    }

    /** Answers reads whose data has come; returns whether there were any. */
    boolean answerReady() {
        boolean any = answerBegun();
        int before = awaited.size();
        int misses = 0;
        for (Iterator<Request> all = awaited.iterator(); all.hasNext() && misses < MISSES_MAX; ) {
            if (answer(all.next(), false)) {
                all.remove();
            } else {
                misses++;
            }
        }
        return any || awaited.size() < before;
    }

    private boolean answerBegun() {
        boolean any = false;
        BegunRequests.Begun each = begun.next();
        while (each != null) {
            any = true;
            answerBegun(each);
            each = begun.next();
        }
        return any;
    }

    private void answerBegun(BegunRequests.Begun ended) {
        try (ended) {
            Request request = ended.request();
            if (request.type() == Nbd.CMD_WRITE && ended.error() == 0) {
                putDone(request);
                return;
            }
            MemorySegment data = reserve(ended.error() == 0 ? (int) request.length() : 0);
            if (ended.error() == 0) {
                data.copyFrom(ended.data());
            }
            put(request, data, ended.error());
        }
    }

    /** Answers all, unless there is nobody any more; nothing is held afterwards. */
    void end() {
        letGo();
        answerBegun();
        while (!awaited.isEmpty() && !outlet.isBroken()) {
            answerOldest();
        }
    }

    private boolean answer(Request request, boolean wait) {
        return request.length() > SMALL
                ? answerLarge(request, wait)
                : answerSmall(request, (int) request.length(), wait);
    }

    private boolean answerSmall(Request request, int length, boolean wait) {
        MemorySegment data = reserve(length);
        int error = read(request, data, wait);
        if (error < 0) {
            return false;
        }
        put(request, data, error);
        return true;
    }

    /** Returns the place in the batch where data of an answer has to be. */
    private MemorySegment reserve(int length) {
        int header = format.dataHeaderBytes();
        MemorySegment batch =
                outlet.reserve(Math.max(header + length, ReplyFormat.ERROR_BYTES_MAX));
        return batch.asSlice(outlet.position() + (long) header, length);
    }

    /** Answers with an error, or with the data that is there. */
    private void put(Request request, MemorySegment data, int error) {
        int length = (int) data.byteSize();
        int header = format.dataHeaderBytes();
        MemorySegment batch = outlet.reserve(0);
        int at = outlet.position();
        export.counters().count(request, error);
        if (error > 0) {
            outlet.add(format.putError(batch, at, request, error, NbdErrors.text(error)));
        } else if (isHole(request, data)) {
            outlet.add(format.putHole(batch, at, request, request.offset(), length, true));
        } else {
            format.putDataHeader(batch, at, request);
            outlet.add(header + length);
        }
    }

    /** Answers a write that is done. */
    void putDone(Request request) {
        export.counters().count(request, 0);
        MemorySegment batch = outlet.reserve(ReplyFormat.DATA_HEADER_BYTES_MAX);
        outlet.add(format.putDone(batch, outlet.position(), request));
    }

    private void putError(Request request, int error) {
        put(request, outlet.reserve(ReplyFormat.ERROR_BYTES_MAX), error);
    }

    /** Returns 0 if data was read, an error, or -1 if it is not there and nobody waits for it. */
    private int read(Request request, MemorySegment data, boolean wait) {
        try {
            if (!wait) {
                return disk.tryRead(request.offset(), data) ? 0 : -1;
            }
            disk.read(request.offset(), data);
            return 0;
        } catch (RuntimeException | OutOfMemoryError failure) {
            return NbdErrors.of(failure);
        }
    }

    private boolean isHole(Request request, MemorySegment data) {
        return format != ReplyFormat.SIMPLE
                && data.byteSize() >= ReadReply.HOLE_MIN
                && !request.has(Nbd.CMD_FLAG_DF)
                && Bytes.isZero(data);
    }

    private boolean answerLarge(Request request, boolean wait) {
        outlet.flush(); // The answer has to come after it, and memory may be short.
        if (wait) {
            outlet.send(slow.read(request));
            return true;
        }
        Buffers.Buffer buffer;
        try {
            buffer = buffers.tryLease(request.length());
        } catch (BlockException.Media noMemory) {
            putError(request, NbdErrors.of(noMemory));
            return true;
        }
        if (buffer == null) {
            return false;
        }
        if (read(request, buffer.data(request.length()), false) == 0) {
            outlet.send(slow.readReply(request, buffer));
            return true;
        }
        buffer.close(); // What went wrong the slow way will tell.
        return false;
    }
}
