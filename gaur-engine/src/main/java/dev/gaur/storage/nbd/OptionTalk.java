package dev.gaur.storage.nbd;

import dev.gaur.mem.BufferPool;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Transport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Options of the handshake, and the answers to them. For one thread. */
final class OptionTalk {
    private static final int REQUEST_BYTES = 16;
    private static final int ANSWER_BYTES = 20;

    /** A name, a description and some numbers. */
    private static final int DATA_MAX = 3 * Nbd.STRING_MAX;

    private final Transport transport;
    private final Inlet inlet;

    OptionTalk(Transport transport, Inlet inlet) {
        this.transport = transport;
        this.inlet = inlet;
    }

    Inlet inlet() {
        return inlet;
    }

    /**
     * One answer; the last to an option is yes or an error.
     *
     * @param type what the protocol calls reply type
     */
    record Answer(int type, ByteBuffer data) {
        /** No answer: an option that cannot even be asked for. */
        static final Answer NONE = new Answer(Nbd.REP_ERR_UNSUP, ByteBuffer.allocate(0));

        boolean isYes() {
            return type == Nbd.REP_ACK;
        }

        /** Tells whether there is another answer. */
        boolean isMore() {
            return !isYes() && type >= 0;
        }

        /** Returns the error, 0 if it is none. */
        int error() {
            return type < 0 ? type : 0;
        }

        /** Returns the server's words for an error, on a line of their own. */
        String reason() {
            String text = StandardCharsets.UTF_8.decode(data.duplicate()).toString();
            return text.isEmpty() ? "" : "\nserver reported: " + ServerText.printable(text);
        }
    }

    void send(byte[] bytes) throws IOException {
        MemorySegment out = BufferPool.allocate(bytes.length);
        out.copyFrom(MemorySegment.ofArray(bytes));
        transport.send(out);
    }

    /** Sends an option without data, and waits for the only answer. */
    Answer ask(int option) throws IOException {
        begin(option, new byte[0]);
        Answer answer = next(option);
        if (answer.isMore()) {
            throw new Violation("it answers an option more than once");
        }
        return answer;
    }

    void begin(int option, byte[] data) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(REQUEST_BYTES + data.length);
        send(bytes.putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(data.length).put(data).array());
    }

    /** Waits for an answer. */
    Answer next(int option) throws IOException {
        inlet.await(ANSWER_BYTES);
        if (inlet.u64(0) != Nbd.REPLY_MAGIC || inlet.u32(8) != option) {
            throw new Violation("it sends what is no answer to an option");
        }
        int type = (int) inlet.u32(12);
        long length = inlet.u32(16);
        if (length > DATA_MAX || (type == Nbd.REP_ACK && length != 0)) {
            throw new Violation("its answer to an option is too long");
        }
        inlet.skip(ANSWER_BYTES);
        return new Answer(type, ByteBuffer.wrap(inlet.bytes((int) length)));
    }
}
