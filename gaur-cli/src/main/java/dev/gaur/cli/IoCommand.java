package dev.gaur.cli;

import dev.gaur.graph.OpenRequest;
import dev.gaur.graph.OptionTree;
import java.util.List;

/** {@code gaur io}: reads and writes an image, request by request; qemu-io under its name. */
final class IoCommand implements Command {
    private static final Option COMMAND =
            Option.valued("c", "cmd", "COMMAND", "run a command; without -c, those on the input");
    private static final Option FORMAT =
            Option.valued("f", "format", "FMT", "format of the image; without it, probed");
    private static final Option READ_ONLY = Option.flag("r", "read-only", "open for reading only");
    private static final Option TEMPORARY =
            Option.flag("s", "snapshot", "keep changes in a temporary file");
    private static final Option NO_CACHE =
            Option.flag("n", "nocache", "past the page cache, as -t none");
    private static final Option COPY_ON_READ =
            Option.flag("C", "copy-on-read", "keep what is read from the backing file");
    private static final Option MISALIGN =
            Option.flag("m", "misalign", "for QEMU's own tests; no effect here");
    private static final Option NATIVE_AIO = Option.flag("k", "native-aio", "as -i native");
    private static final Option AIO =
            Option.valued("i", "aio", "MODE", "threads, native or io_uring; no effect here");
    private static final Option CACHE =
            Option.valued("t", "cache", "MODE", "cache mode; writethrough unless given");
    private static final Option DISCARD =
            Option.valued("d", "discard", "MODE", "what discards do: unmap or ignore");
    private static final Option TRACE =
            Option.valued("T", "trace", "EVENTS", "trace events of QEMU; there are none here");
    private static final Option VERSION = Option.flag("V", "version", "show the version");

    @Override
    public String name() {
        return "io";
    }

    @Override
    public String summary() {
        return "read and write an image, request by request";
    }

    @Override
    public String operands() {
        return "[FILE]";
    }

    @Override
    public String details() {
        return "'gaur io -c help' lists the commands.\n"
                + "Exit code: 0, or 1 if the image could not be opened or a command failed.";
    }

    @Override
    public List<Option> options() {
        return List.of(
                COMMAND,
                FORMAT,
                READ_ONLY,
                TEMPORARY,
                NO_CACHE,
                COPY_ON_READ,
                MISALIGN,
                NATIVE_AIO,
                AIO,
                CACHE,
                DISCARD,
                TRACE,
                VERSION,
                Options.SHARED,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        if (call.has(VERSION)) {
            call.out().print(Main.version(call.program()));
            return 0;
        }
        if (call.operands().size() > 1) {
            throw CommandException.usage("");
        }
        for (String event : call.values(TRACE)) {
            call.warn("trace event '" + event + "' does not exist");
        }
        try (IoShell shell = new IoShell(call)) {
            open(shell);
            if (call.has(COMMAND)) {
                shell.runAll(call.values(COMMAND));
            } else {
                shell.runScript(call.in());
            }
            shell.drain();
            return shell.hasFailed() ? 1 : 0;
        }
    }

    private static void open(IoShell shell) {
        Invocation call = shell.call();
        try {
            OpenRequest request = request(shell);
            if (call.has(Options.IMAGE_OPTS) && call.has(FORMAT)) {
                throw shell.complaint("--image-opts and -f are mutually exclusive");
            }
            if (call.operands().isEmpty()) {
                return;
            }
            String file = call.operands().getFirst();
            boolean options = call.has(Options.IMAGE_OPTS);
            OptionTree tree = options ? IoOpening.options(shell, file) : OptionTree.EMPTY;
            request = request.withImageOpts(options); // No options are not an empty name.
            shell.opened(IoOpening.of(shell, options ? "" : file, tree, request));
        } catch (IoFailure failure) {
            shell.complain(failure.text());
            throw new CommandException("");
        }
    }

    private static OpenRequest request(IoShell shell) {
        OpenRequest request =
                IoOpening.request(shell.call()).withFormat(shell.call().value(FORMAT, ""));
        for (OptionParser.Given each : shell.call().given()) {
            if (!each.option().letters().isEmpty()) {
                char letter = each.option().letters().charAt(0);
                request = IoOpening.with(shell, request, letter, each.value());
            }
        }
        return request;
    }
}
