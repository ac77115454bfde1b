package dev.gaur.cli;

import dev.gaur.format.DetectZeroes;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.CacheMode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * The options of {@code gaur nbd}, checked in the order in which qemu-nbd checks them and refused
 * in its words.
 */
final class NbdSettings {
    private static final List<String> AIO_MODES = List.of("threads", "native", "io_uring");
    private static final List<Option> OF_DEVICE =
            List.of(
                    NbdCommand.NAME,
                    NbdCommand.DESCRIPTION,
                    NbdCommand.OFFSET,
                    NbdCommand.CONNECT,
                    NbdCommand.DISCONNECT,
                    NbdCommand.FORMAT,
                    NbdCommand.LOAD,
                    NbdCommand.BITMAP,
                    NbdCommand.DEPTH,
                    NbdCommand.AIO,
                    NbdCommand.DISCARD,
                    NbdCommand.CACHE,
                    NbdCommand.NO_CACHE);

    private final Invocation call;
    private int shared = 1;
    private long offset;
    private CacheMode cache = CacheMode.WRITEBACK;
    private boolean hasCache;
    private String aio = "";
    private String discard = "";
    private DetectZeroes detectZeroes = DetectZeroes.OFF;
    private List<Endpoint> inherited = List.of();

    private NbdSettings(Invocation call) {
        this.call = call;
    }

    static NbdSettings of(Invocation call) {
        NbdSettings settings = new NbdSettings(call);
        for (OptionParser.Given given : call.given()) {
            settings.take(given.option(), given.value());
        }
        settings.checkMode();
        settings.checkSockets();
        settings.checkTls();
        Options.refuse(call, NbdCommand.CONNECT, NbdCommand.DISCONNECT);
        if (call.has(NbdCommand.SELINUX)) {
            throw new CommandException("--selinux-label is not supported");
        }
        if (call.has(Options.IMAGE_OPTS) && call.has(NbdCommand.FORMAT)) {
            throw new CommandException("--image-opts and -f are mutually exclusive");
        }
        return settings;
    }

    /** How many clients may be connected; 0 for any number. */
    int shared() {
        return shared;
    }

    /** Where the export begins. */
    long offset() {
        return offset;
    }

    CacheMode cache() {
        return cache;
    }

    boolean isNativeAio() {
        return aio.equals("native");
    }

    /** Whether discards are obeyed. */
    boolean unmap() {
        return discard.equals("unmap") || discard.equals("on");
    }

    DetectZeroes detectZeroes() {
        return detectZeroes;
    }

    /** Returns the socket that whoever started us has opened, if so. */
    List<Endpoint> inherited() {
        return inherited;
    }

    // ---- option by option

    private void take(Option option, String value) {
        if (option == NbdCommand.NO_CACHE) {
            takeCache("none");
        } else if (option == NbdCommand.CACHE) {
            takeCache(value);
        } else if (option == NbdCommand.AIO) {
            takeAio(value);
        } else if (option == NbdCommand.DISCARD) {
            takeDiscard(value);
        } else if (option == NbdCommand.DETECT_ZEROES) {
            takeDetectZeroes(value);
        } else if (option == NbdCommand.OFFSET) {
            offset = number(value, Long.MAX_VALUE, "Invalid offset '");
        } else if (option == NbdCommand.SHARED) {
            shared = (int) number(value, Integer.MAX_VALUE, "Invalid shared device number '");
        } else if (option == NbdCommand.SOCKET) {
            require(value.startsWith("/"), "socket path must be absolute");
        } else if (option == NbdCommand.NAME) {
            require(fits(value), "export name '" + value + "' too long");
        } else if (option == NbdCommand.DESCRIPTION) {
            require(fits(value), "export description '" + value + "' too long");
        } else if (option == NbdCommand.LOAD) {
            NbdSnapshot.of(call, value);
        } else if (option == NbdCommand.TRACE) {
            call.warn("trace event '" + value + "' does not exist");
        } else if (option == Options.OBJECT) {
            ServerSecurity.checkType(value);
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new CommandException(otherwise);
        }
    }

    private static boolean fits(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length <= Nbd.STRING_MAX;
    }

    private void takeCache(String mode) {
        require(!hasCache, "-n and --cache can only be specified once");
        hasCache = true;
        cache =
                CacheMode.named(mode)
                        .orElseThrow(
                                () -> new CommandException("Invalid cache mode `" + mode + "'"));
    }

    private void takeAio(String mode) {
        require(aio.isEmpty(), "--aio can only be specified once");
        require(AIO_MODES.contains(mode), "Invalid aio mode '" + mode + "'");
        aio = mode;
    }

    private void takeDiscard(String mode) {
        require(discard.isEmpty(), "--discard can only be specified once");
        require(
                List.of("ignore", "off", "unmap", "on").contains(mode),
                "Invalid discard mode `" + mode + "'");
        discard = mode;
    }

    private void takeDetectZeroes(String mode) {
        require(
                List.of("off", "on", "unmap").contains(mode),
                "Failed to parse detect_zeroes mode: invalid parameter value: " + mode);
        detectZeroes = DetectZeroes.valueOf(mode.toUpperCase(Locale.ROOT));
        require(
                detectZeroes != DetectZeroes.UNMAP || unmap(), // Given before, as with qemu-nbd.
                "setting detect-zeroes to unmap is not allowed without setting discard operation"
                        + " to unmap");
    }

    /** Reads a number as strtol(3) does with base 0. */
    private static long number(String text, long most, String otherwise) {
        try {
            long number = Long.decode(text);
            if (number >= 0 && number <= most && text.indexOf('#') < 0) {
                return number;
            }
        } catch (NumberFormatException _) {
            // Falls through to the refusal.
        }
        throw new CommandException(otherwise + text + "'");
    }

    // ---- all together

    private void checkMode() {
        if (!call.has(NbdCommand.LIST)) {
            if (call.operands().size() != 1) {
                throw wrongNumber();
            }
            return;
        }
        require(call.operands().isEmpty(), "List mode is incompatible with a file name");
        require(
                OF_DEVICE.stream().noneMatch(call::has),
                "List mode is incompatible with per-device settings");
        require(!call.has(NbdCommand.FORK), "List mode is incompatible with forking");
    }

    private CommandException wrongNumber() {
        String text = "Invalid number of arguments";
        return call.program() == Program.QEMU_NBD
                ? new CommandException(text + "\nTry `qemu-nbd --help' for more information.")
                : CommandException.usage(text);
    }

    private void checkSockets() {
        inherited = Activation.endpoints();
        if (inherited.isEmpty()) {
            return;
        }
        String suffix = " can't be set when using socket activation";
        require(!call.has(NbdCommand.CONNECT), "NBD device" + suffix);
        require(!call.has(NbdCommand.SOCKET), "Unix socket" + suffix);
        require(!call.has(NbdCommand.BIND), "The interface" + suffix);
        require(!call.has(NbdCommand.PORT), "TCP port number" + suffix);
        require(!call.has(NbdCommand.SELINUX), "SELinux label" + suffix);
        require(!call.has(NbdCommand.LIST), "List mode is incompatible with socket activation");
        require(
                inherited.size() == 1,
                "qemu-nbd does not support socket activation with LISTEN_FDS > 1");
    }

    private void checkTls() {
        boolean creds = call.has(NbdCommand.TLS_CREDS);
        for (Option option : List.of(NbdCommand.TLS_AUTHZ, NbdCommand.TLS_HOSTNAME)) {
            require(
                    creds || !call.has(option),
                    "--" + option.word() + " is not permitted without --tls-creds");
        }
        if (!creds) {
            return;
        }
        require(!call.has(NbdCommand.CONNECT), "TLS is not supported with a host device");
        require(
                !call.has(NbdCommand.LIST) || !call.has(NbdCommand.TLS_AUTHZ),
                "TLS authorization is incompatible with export list");
        require(
                call.has(NbdCommand.LIST) || !call.has(NbdCommand.TLS_HOSTNAME),
                "TLS hostname is not required with export server");
        Options.refuse(call, NbdCommand.TLS_AUTHZ);
    }
}
