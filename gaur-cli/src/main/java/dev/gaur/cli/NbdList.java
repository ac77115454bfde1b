package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Security;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.ExportInfo;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdClient;
import java.util.List;
import java.util.Optional;

/** {@code gaur nbd --list}: what a server offers, in qemu-nbd's form. */
final class NbdList {
    /**
     * A flag's name.
     *
     * @param bit of the protocol's transmission flags
     */
    private record Flag(int bit, String name) {}

    private static final List<Flag> FLAGS =
            List.of(
                    new Flag(Nbd.READ_ONLY, "readonly"),
                    new Flag(Nbd.SEND_FLUSH, "flush"),
                    new Flag(Nbd.SEND_FUA, "fua"),
                    new Flag(Nbd.ROTATIONAL, "rotational"),
                    new Flag(Nbd.SEND_TRIM, "trim"),
                    new Flag(Nbd.SEND_WRITE_ZEROES, "zeroes"),
                    new Flag(Nbd.SEND_DF, "df"),
                    new Flag(Nbd.CAN_MULTI_CONN, "multi"),
                    new Flag(Nbd.SEND_RESIZE, "resize"),
                    new Flag(Nbd.SEND_CACHE, "cache"),
                    new Flag(Nbd.SEND_FAST_ZERO, "fast-zero"),
                    new Flag(Nbd.BLOCK_STATUS_PAYLOAD, "block-status-payload"));

    private NbdList() {}

    static int run(Invocation call) {
        Endpoint endpoint = NbdSocket.endpoint(call);
        NbdAddress address = new NbdAddress(endpoint, "", call.has(NbdCommand.TLS_CREDS));
        ClientOptions options = ClientOptions.DEFAULT.withSecurity(security(call, address));
        try {
            call.out().print(text(NbdClient.list(address, options)));
        } catch (BlockException failure) {
            throw new CommandException(failure.found());
        }
        return 0;
    }

    private static Optional<Security> security(Invocation call, NbdAddress address) {
        UserObjects objects = UserObjects.of(call);
        if (!address.tls()) {
            return Optional.empty();
        }
        String host = call.value(NbdCommand.TLS_HOSTNAME, address.host());
        try {
            return Optional.of(objects.forClient(call.value(NbdCommand.TLS_CREDS, ""), host));
        } catch (BlockException.Unsupported failure) {
            throw new CommandException("Failed to get TLS creds: " + failure.found());
        }
    }

    private static String text(List<ExportInfo> exports) {
        StringBuilder text = new StringBuilder(256);
        text.append("exports available: ").append(exports.size()).append('\n');
        for (ExportInfo export : exports) {
            text.append(" export: '").append(Terminal.printable(export.name())).append("'\n");
            if (!export.description().isEmpty()) {
                field(text, "description: ", Terminal.printable(export.description()));
            }
            field(text, "size:  ", Long.toString(export.size()));
            field(text, "flags: ", flags(export));
            if (export.statesBlocks()) {
                field(text, "min block: ", Integer.toString(export.minimumBlock()));
                field(text, "opt block: ", Integer.toString(export.preferredBlock()));
                field(text, "max block: ", Integer.toString(export.maximumBlock()));
            }
            contexts(text, export.contexts());
        }
        return text.toString();
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append("  ").append(name).append(value).append('\n');
    }

    private static String flags(ExportInfo export) {
        StringBuilder text = new StringBuilder("0x" + Integer.toHexString(export.flags()) + " (");
        for (Flag flag : FLAGS) {
            if (export.has(flag.bit())) {
                text.append(' ').append(flag.name());
            }
        }
        return text.append(" )").toString();
    }

    private static void contexts(StringBuilder text, List<String> contexts) {
        if (contexts.isEmpty()) {
            return;
        }
        field(text, "available meta contexts: ", Integer.toString(contexts.size()));
        for (String context : contexts) {
            text.append("   ").append(Terminal.printable(context)).append('\n');
        }
    }
}
