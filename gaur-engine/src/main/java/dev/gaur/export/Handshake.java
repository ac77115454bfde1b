package dev.gaur.export;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Security;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The first part of a connection: the client asks for what it wants, option by option, until it has
 * an export. Nothing that a client sends makes the server reserve memory or work for long: options
 * are short, and the whole has a time limit that somebody else watches.
 */
final class Handshake {
    private static final int OPTION_HEADER_BYTES = 16;
    private static final int REPLY_HEADER_BYTES = 20;

    /** What fits into the inlet besides the header. */
    private static final int OPTION_BYTES_MAX = (16 << 10) - OPTION_HEADER_BYTES;

    /** What is read to get to the next option; more is taken for an attack. */
    private static final int SKIPPED_BYTES_MAX = 1 << 20;

    private final Exports exports;
    private final ServerOptions options;
    private final Inlet inlet;
    private final Outlet outlet;
    private final Secured secured;
    private boolean noZeroes;
    private boolean isSecure;
    private ReplyFormat format = ReplyFormat.SIMPLE;
    private List<ChosenContext> contexts = List.of();
    private @Nullable Export contextsOf;
    private @Nullable Agreement agreement;
    private boolean over;

    /** Is told that the connection goes on encrypted. */
    interface Secured {
        void go(Security security) throws IOException;
    }

    Handshake(Exports exports, ServerOptions options, Inlet inlet, Outlet outlet, Secured secured) {
        this.exports = exports;
        this.options = options;
        this.inlet = inlet;
        this.outlet = outlet;
        this.secured = secured;
    }

    /**
     * Talks with the client until they agree.
     *
     * @return null if the client has left
     * @throws IOException if what it sends makes no sense
     */
    @Nullable Agreement run() throws IOException {
        greet();
        while (agreement == null && !over) {
            outlet.flush();
            if (outlet.isBroken() || !inlet.await(OPTION_HEADER_BYTES)) {
                return null;
            }
            MemorySegment header = inlet.take(OPTION_HEADER_BYTES);
            if (Bytes.u64(header, 0) != Nbd.OPTION_MAGIC) {
                throw new IOException("the client sent what is no option");
            }
            int option = (int) Bytes.u32(header, 8);
            long length = Bytes.u32(header, 12);
            if (length > OPTION_BYTES_MAX) {
                skip(option, length);
            } else {
                answer(option, new OptionReader(read((int) length)));
            }
        }
        outlet.flush();
        return agreement;
    }

    private void greet() throws IOException {
        MemorySegment out = outlet.reserve(18);
        int at = outlet.position();
        Bytes.putU64(out, at, Nbd.MAGIC);
        Bytes.putU64(out, at + 8L, Nbd.OPTION_MAGIC);
        Bytes.putU16(out, at + 16L, Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        outlet.add(18);
        outlet.flush();
        if (!inlet.await(Integer.BYTES)) {
            over = true; // A port scan, say.
            return;
        }
        long flags = Bytes.u32(inlet.take(Integer.BYTES), 0);
        if ((flags & ~(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)) != 0) {
            throw new IOException("the client has flags that nobody knows");
        }
        noZeroes = (flags & Nbd.FLAG_NO_ZEROES) != 0;
    }

    private byte[] read(int count) throws IOException {
        if (count > 0 && !inlet.await(count)) {
            throw new EOFException("the client left in the middle of an option");
        }
        return inlet.take(count).toArray(JAVA_BYTE);
    }

    private void skip(int option, long length) throws IOException {
        if (length > SKIPPED_BYTES_MAX || option == Nbd.OPT_EXPORT_NAME) {
            throw new IOException("an option of " + length + " bytes");
        }
        inlet.drop(length);
        refuse(option, Nbd.REP_ERR_TOO_BIG, "at most " + OPTION_BYTES_MAX + " bytes are taken");
    }

    private void answer(int option, OptionReader data) throws IOException {
        if (options.secureOnly() && !isSecure && !isAllowedInPlain(option)) {
            refuse(option, Nbd.REP_ERR_TLS_REQD, "TLS is needed first");
            return;
        }
        switch (option) {
            case Nbd.OPT_EXPORT_NAME -> exportName(data);
            case Nbd.OPT_ABORT -> {
                acknowledge(option);
                over = true;
            }
            case Nbd.OPT_LIST -> list(data);
            case Nbd.OPT_STARTTLS -> startTls(data);
            case Nbd.OPT_INFO, Nbd.OPT_GO -> info(option, data);
            case Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_EXTENDED_HEADERS -> replies(option, data);
            case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> contexts(option, data);
            default -> refuse(option, Nbd.REP_ERR_UNSUP, "the option is not known");
        }
    }

    private boolean isAllowedInPlain(int option) throws IOException {
        if (option == Nbd.OPT_EXPORT_NAME) {
            throw new IOException("the client wants an export without TLS");
        }
        return option == Nbd.OPT_STARTTLS || option == Nbd.OPT_ABORT;
    }

    // ---- replies

    private void reply(int option, int type, byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        MemorySegment out = outlet.reserve(REPLY_HEADER_BYTES + length);
        long at = outlet.position();
        Bytes.putU64(out, at, Nbd.REPLY_MAGIC);
        Bytes.putU32(out, at + 8, option);
        Bytes.putU32(out, at + 12, type);
        Bytes.putU32(out, at + 16, length);
        at += REPLY_HEADER_BYTES;
        for (byte[] part : parts) {
            MemorySegment.copy(MemorySegment.ofArray(part), 0, out, at, part.length);
            at += part.length;
        }
        outlet.add(REPLY_HEADER_BYTES + length);
    }

    private void acknowledge(int option) {
        reply(option, Nbd.REP_ACK);
    }

    private void refuse(int option, int error, String why) {
        reply(option, error, why.getBytes(StandardCharsets.UTF_8));
    }

    private void refuseUnknown(int option) {
        refuse(option, Nbd.REP_ERR_UNKNOWN, "there is no export of that name");
    }

    private void refuseInvalid(int option) {
        refuse(option, Nbd.REP_ERR_INVALID, "the option makes no sense");
    }

    // ---- options

    private void exportName(OptionReader data) throws IOException {
        Export export = exports.find(data.rest());
        if (export == null) {
            throw new IOException("the client wants an export that is not there");
        }
        Agreement agreed = agree(export);
        int zeroes = noZeroes ? 0 : Nbd.EXPORT_NAME_ZEROES;
        MemorySegment out = outlet.reserve(10 + zeroes);
        int at = outlet.position();
        Bytes.putU64(out, at, agreed.size());
        Bytes.putU16(out, at + 8L, export.flags(format));
        out.asSlice(at + 10L, zeroes).fill((byte) 0);
        outlet.add(10 + zeroes);
        agreement = agreed;
    }

    private Agreement agree(Export export) {
        List<ChosenContext> chosen = contextsOf == export ? contexts : List.of();
        return new Agreement(export, export.disk().length(), format, chosen);
    }

    private void list(OptionReader data) {
        if (!data.isEmpty()) {
            refuseInvalid(Nbd.OPT_LIST);
            return;
        }
        for (Export export : exports.all()) {
            byte[] name = export.name().getBytes(StandardCharsets.UTF_8);
            byte[] description = export.description().getBytes(StandardCharsets.UTF_8);
            reply(Nbd.OPT_LIST, Nbd.REP_SERVER, OptionBytes.u32(name.length), name, description);
        }
        acknowledge(Nbd.OPT_LIST);
    }

    private void startTls(OptionReader data) throws IOException {
        Security security = options.security().orElse(null);
        if (!data.isEmpty() || isSecure) {
            refuseInvalid(Nbd.OPT_STARTTLS);
        } else if (security == null) {
            refuse(Nbd.OPT_STARTTLS, Nbd.REP_ERR_POLICY, "TLS is not configured");
        } else {
            acknowledge(Nbd.OPT_STARTTLS);
            outlet.flush();
            secured.go(security);
            isSecure = true;
            format = ReplyFormat.SIMPLE; // What was agreed in plain text may be anybody's.
            contexts = List.of();
            contextsOf = null;
        }
    }

    private void replies(int option, OptionReader data) {
        if (!data.isEmpty()) {
            refuseInvalid(option);
        } else if (option == Nbd.OPT_EXTENDED_HEADERS) {
            format = ReplyFormat.EXTENDED;
            acknowledge(option);
        } else if (format == ReplyFormat.EXTENDED) {
            refuse(option, Nbd.REP_ERR_EXT_HEADER_REQD, "extended headers were agreed on");
        } else {
            format = ReplyFormat.STRUCTURED;
            acknowledge(option);
        }
    }

    private void info(int option, OptionReader data) {
        String name = data.text();
        int count = data.u16();
        boolean wantsName = false;
        boolean wantsDescription = false;
        for (int i = 0; i < count && data.isSound(); i++) {
            int wanted = data.u16();
            wantsName |= wanted == Nbd.INFO_NAME;
            wantsDescription |= wanted == Nbd.INFO_DESCRIPTION;
        }
        if (!data.isSound() || !data.isEmpty()) {
            refuseInvalid(option);
            return;
        }
        Export export = exports.find(name);
        if (export == null) {
            refuseUnknown(option);
            return;
        }
        if (wantsName) {
            reply(option, Nbd.REP_INFO, OptionBytes.text(Nbd.INFO_NAME, export.name()));
        }
        if (wantsDescription && !export.description().isEmpty()) {
            byte[] text = OptionBytes.text(Nbd.INFO_DESCRIPTION, export.description());
            reply(option, Nbd.REP_INFO, text);
        }
        reply(option, Nbd.REP_INFO, OptionBytes.blockSizes(1, 4096, Nbd.PAYLOAD_MAX));
        Agreement agreed = agree(export);
        reply(option, Nbd.REP_INFO, OptionBytes.export(agreed.size(), export.flags(format)));
        acknowledge(option);
        if (option == Nbd.OPT_GO) {
            agreement = agreed;
        }
    }

    private void contexts(int option, OptionReader data) {
        ContextQueries queries = ContextQueries.read(data);
        if (option == Nbd.OPT_SET_META_CONTEXT) {
            contexts = List.of(); // Whatever comes of it, as the protocol has it.
            contextsOf = null;
        }
        if (queries == null || format == ReplyFormat.SIMPLE) {
            refuseInvalid(option);
            return;
        }
        Export export = exports.find(queries.export());
        if (export == null) {
            refuseUnknown(option);
            return;
        }
        boolean choose = option == Nbd.OPT_SET_META_CONTEXT;
        List<StatusContext> found = queries.matching(export, choose);
        if (choose) {
            contexts = ContextQueries.chosen(found);
            contextsOf = export;
        }
        for (int i = 0; i < found.size(); i++) {
            byte[] name = found.get(i).name().getBytes(StandardCharsets.UTF_8);
            reply(option, Nbd.REP_META_CONTEXT, OptionBytes.u32(choose ? i : 0), name);
        }
        acknowledge(option);
    }
}
