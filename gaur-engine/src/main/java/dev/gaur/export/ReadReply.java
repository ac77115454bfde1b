package dev.gaur.export;

import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The answer to a read whose data has a buffer of its own. Long runs of zeros are told rather than
 * sent, if the client understands that and has not asked for all in one piece.
 */
final class ReadReply implements Outlet.Answer {
    /** Shorter answers are sent as they are: telling would not be shorter. */
    static final int HOLE_MIN = 512;

    /** In what steps zeros are looked for; data that is none takes one look at each. */
    private static final int STEP = 64 << 10;

    /** Bounds the headers of an answer: they share the room before the data. */
    private static final int PARTS_MAX = 64;

    private final ReplyFormat format;
    private final Request request;
    private final Buffers.Buffer buffer;
    private final MemorySegment data;
    private final List<MemorySegment> parts = new ArrayList<>(1);
    private int headers;

    private ReadReply(ReplyFormat format, Request request, Buffers.Buffer buffer) {
        this.format = format;
        this.request = request;
        this.buffer = buffer;
        this.data = buffer.data(request.length());
    }

    /**
     * Makes the answer from data that is there.
     *
     * @param buffer is given back when the answer is sent
     * @param whole all in one piece, zeros included
     */
    static ReadReply of(ReplyFormat format, Request request, Buffers.Buffer buffer, boolean whole) {
        ReadReply reply = new ReadReply(format, request, buffer);
        if (format == ReplyFormat.SIMPLE || whole || !reply.split()) {
            reply.addWhole();
        }
        return reply;
    }

    private void addWhole() {
        int header = format.dataHeaderBytes();
        MemorySegment all = buffer.withHeader(header, request.length());
        format.putDataHeader(all, 0, request);
        parts.clear();
        parts.add(all);
    }

    /** Makes chunks of data and holes; returns false if there is no hole. */
    private boolean split() {
        long length = request.length();
        long from = 0;
        boolean zeros = isZero(0);
        boolean found = zeros;
        for (long at = STEP; at < length && parts.size() < PARTS_MAX; at += STEP) {
            if (isZero(at) != zeros) {
                found = true;
                addRun(zeros, from, at, false);
                from = at;
                zeros = !zeros;
            }
        }
        if (found) {
            boolean rest = zeros && Bytes.isZero(data, from, length - from);
            addRun(rest, from, length, true);
        }
        return found;
    }

    private boolean isZero(long at) {
        long length = Math.min(STEP, data.byteSize() - at);
        return length >= HOLE_MIN && Bytes.isZero(data, at, length);
    }

    private void addRun(boolean zeros, long from, long end, boolean last) {
        MemorySegment head = buffer.segment();
        long offset = request.offset() + from;
        int start = headers;
        if (zeros) {
            headers += format.putHole(head, start, request, offset, end - from, last);
        } else {
            format.putDataHeader(head, start, request, offset, end - from, last);
            headers += format.dataHeaderBytes();
        }
        parts.add(head.asSlice(start, headers - start));
        if (!zeros) {
            parts.add(data.asSlice(from, end - from));
        }
    }

    @Override
    public List<MemorySegment> parts() {
        return parts;
    }

    @Override
    public void done() {
        buffer.close();
    }
}
