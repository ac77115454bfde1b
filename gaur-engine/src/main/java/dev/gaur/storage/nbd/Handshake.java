package dev.gaur.storage.nbd;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Security;
import dev.gaur.net.Transport;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The first part of a connection: client and server find out what both can, and the client chooses
 * an export. Takes the best that the server has, and what servers have had since 2011 at least. For
 * one thread.
 */
final class Handshake {
    private static final int LONG = Long.BYTES;
    private static final int BLOCK_MAX = 64 << 10;
    private static final int INFO_EXPORT_BYTES = 12;
    private static final int INFO_BLOCKS_BYTES = 14;

    /** Contexts of one export; there is one for each bitmap. */
    private static final int CONTEXTS_MAX = 4096;

    private static final int EXPORTS_MAX = 4096;

    private Transport transport;
    private OptionTalk talk;
    private boolean fixed;
    private boolean noZeroes;
    private ExportInfo.ReplyMode mode = ExportInfo.ReplyMode.SIMPLE;

    Handshake(Transport transport) {
        this.transport = transport;
        this.talk = new OptionTalk(transport, new Inlet(transport));
    }

    /** Returns the transport, which is another one after encryption began. */
    Transport transport() {
        return transport;
    }

    /** Returns what the server has sent already. */
    Inlet inlet() {
        return talk.inlet();
    }

    /** Takes the server's greeting, and begins encryption if that is wanted. */
    void greet(Optional<Security> security) throws IOException {
        Inlet inlet = talk.inlet();
        inlet.await(2 * LONG);
        if (inlet.u64(0) != Nbd.MAGIC) {
            throw new Violation("it is no NBD server");
        }
        if (inlet.u64(LONG) == Nbd.OLD_STYLE_MAGIC) {
            throw new Refusal("The server speaks NBD of before 2011, which is not supported");
        }
        if (inlet.u64(LONG) != Nbd.OPTION_MAGIC) {
            throw new Violation("it is no NBD server");
        }
        inlet.skip(2 * LONG);
        inlet.await(Short.BYTES);
        int flags = inlet.u16(0);
        inlet.skip(Short.BYTES);
        fixed = (flags & Nbd.FLAG_FIXED_NEWSTYLE) != 0;
        noZeroes = (flags & Nbd.FLAG_NO_ZEROES) != 0;
        int answer = (fixed ? Nbd.FLAG_FIXED_NEWSTYLE : 0) | (noZeroes ? Nbd.FLAG_NO_ZEROES : 0);
        talk.send(ByteBuffer.allocate(Integer.BYTES).putInt(answer).array());
        if (security.isPresent()) {
            secure(security.get());
        }
    }

    private void secure(Security security) throws IOException {
        OptionTalk.Answer answer = fixed ? talk.ask(Nbd.OPT_STARTTLS) : OptionTalk.Answer.NONE;
        if (!answer.isYes()) {
            throw new Refusal("The server has no TLS" + answer.reason());
        }
        if (!talk.inlet().isEmpty()) {
            throw new Violation("it sends plain text after encryption began");
        }
        transport = security.secure(transport);
        talk = new OptionTalk(transport, new Inlet(transport));
    }

    // ---- an export

    /** Agrees on an export. */
    Agreement choose(String name, List<String> queries) throws IOException {
        if (!fixed) {
            return exportName(name);
        }
        agreeOnReplies();
        Map<Integer, String> contexts = Map.of();
        if (mode != ExportInfo.ReplyMode.SIMPLE && !queries.isEmpty()) {
            contexts = contexts(Nbd.OPT_SET_META_CONTEXT, name, queries);
        }
        Found found = info(Nbd.OPT_GO, name);
        if (found.unknownOption()) {
            return exportName(name);
        }
        ExportInfo export = found.export().withContexts(List.copyOf(contexts.values()), mode);
        return new Agreement(export, contexts);
    }

    private void agreeOnReplies() throws IOException {
        OptionTalk.Answer headers = talk.ask(Nbd.OPT_EXTENDED_HEADERS);
        if (headers.isYes()) {
            mode = ExportInfo.ReplyMode.EXTENDED;
            return;
        }
        if (talk.ask(Nbd.OPT_STRUCTURED_REPLY).isYes()) {
            mode = ExportInfo.ReplyMode.STRUCTURED;
        }
    }

    private static Refusal tlsNeeded(String option, int number, OptionTalk.Answer answer) {
        return new Refusal(
                "TLS negotiation required before option %d (%s)\nDid you forget a valid tls-creds?"
                                .formatted(number, option)
                        + answer.reason());
    }

    /**
     * What {@code INFO} or {@code GO} brought.
     *
     * @param unknownOption the server does not know the option
     */
    private record Found(boolean unknownOption, ExportInfo export) {}

    private Found info(int option, String name) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        int[] wanted = {Nbd.INFO_BLOCK_SIZE, Nbd.INFO_DESCRIPTION};
        int length = Integer.BYTES + bytes.length + Short.BYTES * (1 + wanted.length);
        ByteBuffer data = ByteBuffer.allocate(length).putInt(bytes.length).put(bytes);
        data.putShort((short) wanted.length);
        for (int each : wanted) {
            data.putShort((short) each);
        }
        talk.begin(option, data.array());
        InfoCollector collector = new InfoCollector(name);
        OptionTalk.Answer answer;
        for (answer = talk.next(option); answer.isMore(); answer = talk.next(option)) {
            if (answer.type() != Nbd.REP_INFO) {
                throw new Violation("its answer to an option is another one's");
            }
            collector.take(answer.data());
        }
        if (answer.error() == Nbd.REP_ERR_UNSUP) {
            return new Found(true, ExportInfo.plain(name, 0, 0));
        }
        if (answer.error() == Nbd.REP_ERR_TLS_REQD) {
            throw tlsNeeded("go", option, answer);
        }
        if (!answer.isYes()) {
            throw new Refusal("Requested export not available" + answer.reason());
        }
        return new Found(false, collector.export());
    }

    /** Puts together what the server says of an export. */
    private static final class InfoCollector {
        private final String name;
        private String description = "";
        private long size = -1;
        private int flags;
        private int[] blocks = {};

        InfoCollector(String name) {
            this.name = name;
        }

        void take(ByteBuffer data) throws IOException {
            int length = data.remaining();
            int type = length < Short.BYTES ? -1 : Short.toUnsignedInt(data.getShort());
            switch (type) {
                case Nbd.INFO_EXPORT -> {
                    require(length == INFO_EXPORT_BYTES, "its answer has a wrong length");
                    size = sizeOf(data.getLong());
                    flags = Short.toUnsignedInt(data.getShort());
                }
                case Nbd.INFO_BLOCK_SIZE -> {
                    require(length == INFO_BLOCKS_BYTES, "its answer has a wrong length");
                    blocks = new int[] {data.getInt(), data.getInt(), data.getInt()};
                }
                case Nbd.INFO_DESCRIPTION -> {
                    require(length <= Short.BYTES + Nbd.STRING_MAX, "its description is too long");
                    description = StandardCharsets.UTF_8.decode(data).toString();
                }
                default -> require(type >= 0, "its answer has a wrong length");
            }
        }

        ExportInfo export() throws IOException {
            require(size >= 0, "it does not tell the size");
            ExportInfo export = ExportInfo.plain(name, size, flags).withDescription(description);
            return blocks.length == 0 ? export : withBlocks(export);
        }

        private ExportInfo withBlocks(ExportInfo export) throws IOException {
            int least = blocks[0];
            if (least <= 0 || least > BLOCK_MAX || Integer.bitCount(least) != 1) {
                throw new Refusal(
                        "server minimum block size "
                                + Integer.toUnsignedString(least)
                                + " is not a power of two up to "
                                + BLOCK_MAX);
            }
            if (size % least != 0) {
                throw new Refusal(
                        "export size %d is not multiple of minimum block size %d"
                                .formatted(size, least));
            }
            long most = Math.min(Integer.toUnsignedLong(blocks[2]), Nbd.PAYLOAD_MAX);
            if (most < least) {
                throw new Refusal("server maximum block size " + most + " is below the minimum");
            }
            boolean odd = blocks[1] < least || Integer.bitCount(blocks[1]) != 1;
            int preferred = odd ? Math.max(least, 4096) : blocks[1];
            return export.withBlocks(least, preferred, (int) (most & -least));
        }
    }

    private static void require(boolean condition, String otherwise) throws Violation {
        if (!condition) {
            throw new Violation(otherwise);
        }
    }

    private static long sizeOf(long size) throws Refusal {
        if (size < 0) {
            throw new Refusal("export length is too large");
        }
        return size;
    }

    /** Asks for an export as one did before 2016; a server that has none just leaves. */
    private Agreement exportName(String name) throws IOException {
        talk.begin(Nbd.OPT_EXPORT_NAME, name.getBytes(StandardCharsets.UTF_8));
        Inlet inlet = talk.inlet();
        int zeroes = noZeroes ? 0 : Nbd.EXPORT_NAME_ZEROES;
        try {
            inlet.await(Long.BYTES + Short.BYTES + zeroes);
        } catch (EOFException _) {
            throw new Refusal("Requested export not available");
        }
        ExportInfo export = ExportInfo.plain(name, sizeOf(inlet.u64(0)), inlet.u16(LONG));
        inlet.skip(Long.BYTES + Short.BYTES + zeroes);
        return new Agreement(export.withContexts(List.of(), mode), Map.of());
    }

    // ---- contexts

    private Map<Integer, String> contexts(int option, String name, List<String> queries)
            throws IOException {
        byte[] export = name.getBytes(StandardCharsets.UTF_8);
        List<byte[]> texts =
                queries.stream().map(each -> each.getBytes(StandardCharsets.UTF_8)).toList();
        int length = 2 * Integer.BYTES + export.length;
        for (byte[] text : texts) {
            length += Integer.BYTES + text.length;
        }
        ByteBuffer data = ByteBuffer.allocate(length).putInt(export.length).put(export);
        data.putInt(texts.size());
        texts.forEach(text -> data.putInt(text.length).put(text));
        talk.begin(option, data.array());
        Map<Integer, String> found = new HashMap<>();
        boolean choosing = option == Nbd.OPT_SET_META_CONTEXT;
        OptionTalk.Answer answer;
        for (answer = talk.next(option); answer.isMore(); answer = talk.next(option)) {
            ByteBuffer context = answer.data();
            boolean sound =
                    answer.type() == Nbd.REP_META_CONTEXT
                            && context.remaining() >= Integer.BYTES
                            && context.remaining() <= Integer.BYTES + Nbd.STRING_MAX
                            && found.size() < CONTEXTS_MAX;
            require(sound, "its contexts make no sense");
            int id = context.getInt();
            String text = StandardCharsets.UTF_8.decode(context).toString();
            boolean asked = !choosing || queries.contains(text);
            boolean fresh = found.put(choosing ? id : found.size(), text) == null;
            require(asked && fresh, "its contexts are not those that were asked for");
        }
        return answer.isYes() ? found : Map.of();
    }

    // ---- all exports

    /** Lists what the server has, with all that it tells. */
    List<ExportInfo> list() throws IOException {
        if (!fixed) {
            throw new Refusal("Server does not support export lists");
        }
        agreeOnReplies();
        Map<String, String> names = names();
        List<ExportInfo> all = new ArrayList<>();
        for (Map.Entry<String, String> each : names.entrySet()) {
            Found found = info(Nbd.OPT_INFO, each.getKey());
            ExportInfo export = found.export();
            if (export.description().isEmpty()) {
                export = export.withDescription(each.getValue());
            }
            Map<Integer, String> contexts =
                    mode == ExportInfo.ReplyMode.SIMPLE || found.unknownOption()
                            ? Map.of()
                            : contexts(Nbd.OPT_LIST_META_CONTEXT, each.getKey(), List.of());
            all.add(export.withContexts(List.copyOf(contexts.values()), mode));
        }
        talk.begin(Nbd.OPT_ABORT, new byte[0]);
        return List.copyOf(all);
    }

    private Map<String, String> names() throws IOException {
        Map<String, String> names = new LinkedHashMap<>();
        talk.begin(Nbd.OPT_LIST, new byte[0]);
        OptionTalk.Answer answer;
        for (answer = talk.next(Nbd.OPT_LIST); answer.isMore(); answer = talk.next(Nbd.OPT_LIST)) {
            ByteBuffer data = answer.data();
            boolean sound =
                    answer.type() == Nbd.REP_SERVER
                            && data.remaining() >= Integer.BYTES
                            && names.size() < EXPORTS_MAX;
            require(sound, "its list makes no sense");
            long length = Integer.toUnsignedLong(data.getInt());
            require(
                    length <= Math.min(Nbd.STRING_MAX, data.remaining()),
                    "its list makes no sense");
            byte[] name = new byte[(int) length];
            data.get(name);
            String description = StandardCharsets.UTF_8.decode(data).toString();
            names.put(new String(name, StandardCharsets.UTF_8), description);
        }
        if (answer.error() == Nbd.REP_ERR_TLS_REQD) {
            throw tlsNeeded("list", Nbd.OPT_LIST, answer);
        }
        if (!answer.isYes()) {
            throw new Refusal("Server does not support export lists" + answer.reason());
        }
        return names;
    }
}
