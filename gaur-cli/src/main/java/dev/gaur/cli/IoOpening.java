package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.graph.OptionTree;
import dev.gaur.storage.CacheMode;
import java.util.List;

/**
 * An image that {@code gaur io} has open.
 *
 * @param disk the image
 * @param format its format
 * @param file its name, empty if the options have it
 * @param tree the driver options that were given
 * @param request all else
 */
record IoOpening(
        BlockDevice disk, String format, String file, OptionTree tree, OpenRequest request) {
    private static final List<String> AIO_MODES = List.of("threads", "native", "io_uring");
    private static final List<String> CACHE_OPTIONS =
            List.of("cache.direct", "cache.no-flush", "cache.writeback");

    /** What qemu-io has unless told otherwise: for writing, each write stable, discards obeyed. */
    private static final OpenRequest DEFAULT =
            OpenRequest.READ.withWritable(true).withCache(CacheMode.WRITETHROUGH);

    /** What qemu-io has unless told otherwise, with the credentials that the user has defined. */
    static OpenRequest request(Invocation call) {
        return DEFAULT.withCredentials(UserObjects.of(call));
    }

    /** Opens an image. */
    static IoOpening of(IoShell shell, String file, OptionTree tree, OpenRequest request) {
        BlockDevice disk;
        try {
            disk = ChainOpener.open(file, tree, request);
        } catch (BlockException failure) {
            String name = file.isEmpty() ? "" : " device " + file;
            throw shell.complaint("can't open" + name + ": " + ErrorText.whyNotOpen(failure));
        }
        if (disk.isGuessedRaw()) {
            warnOfGuess(shell, disk.image().name());
        }
        return new IoOpening(disk, disk.image().info().format(), file, tree, request);
    }

    private static void warnOfGuess(IoShell shell, String name) {
        shell.complain(ChangedImage.guessedRaw(name));
    }

    /** Adds one of the options that the program and its command {@code open} have in common. */
    static OpenRequest with(IoShell shell, OpenRequest request, char letter, String value) {
        return switch (letter) {
            case 'r' -> request.withWritable(false);
            case 'U' -> request.withShared(true);
            case 'n' -> request.withCache(CacheMode.NONE);
            case 's' -> request.with(OpenRequest.Extra.TEMPORARY, true);
            case 'C' -> request.with(OpenRequest.Extra.COPY_ON_READ, true);
            case 't' -> request.withCache(cache(shell, value));
            case 'd' -> request.withOptions(discard(shell, request.options(), value));
            case 'k' -> request.with(OpenRequest.Extra.NATIVE_AIO, true);
            case 'i' -> request.with(OpenRequest.Extra.NATIVE_AIO, isNative(shell, value));
            default -> request;
        };
    }

    private static CacheMode cache(IoShell shell, String name) {
        return CacheMode.named(name)
                .orElseThrow(() -> shell.complaint("Invalid cache option: " + name));
    }

    private static FormatOptions discard(IoShell shell, FormatOptions options, String mode) {
        return switch (mode) {
            case "unmap", "on" -> options.withDiscard(DiscardOptions.DEFAULT);
            case "ignore", "off" -> options.withDiscard(DiscardOptions.IGNORE);
            default -> throw shell.complaint("Invalid discard option: " + mode);
        };
    }

    private static boolean isNative(IoShell shell, String mode) {
        if (!AIO_MODES.contains(mode)) {
            throw shell.complaint("Invalid aio option: " + mode);
        }
        return mode.equals("native");
    }

    static void open(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "snCro:ki:t:d:U");
        OpenRequest request = request(shell.call());
        OptionTree tree = OptionTree.EMPTY;
        for (IoArguments.Given each : given.given()) {
            if (each.letter() == 'o') {
                tree = tree.with(options(shell, each.value()));
            } else {
                request = with(shell, request, each.letter(), each.value());
            }
        }
        List<String> operands = given.operands(0, 1);
        if (operands.isEmpty() && tree.isEmpty()) {
            throw given.usage();
        }
        if (shell.isOpen()) {
            throw shell.complaint("file open already, try 'help close'");
        }
        String file = operands.isEmpty() ? "" : operands.getFirst();
        shell.opened(of(shell, file, tree, request));
    }

    /** Reads driver options; old short forms are warned of. */
    static OptionTree options(IoShell shell, String text) {
        OptionTree tree = OptionTree.ofOptions(text);
        tree.warnings().forEach(shell.call()::warn);
        return tree;
    }

    static void close(IoShell shell, IoVerb verb, List<String> words) {
        shell.close();
    }

    /**
     * Opens the image again with other options. In between it is closed; when that fails it is
     * opened as it was. What tests have made of its {@code blkdebug} goes on.
     */
    static void reopen(IoShell shell, IoVerb verb, List<String> words) {
        IoArguments given = IoArguments.parse(shell, verb, words, "c:o:rw");
        IoOpening before = shell.opening();
        OpenRequest request = before.request;
        OptionTree changes = OptionTree.EMPTY;
        boolean access = false;
        for (IoArguments.Given each : given.given()) {
            switch (each.letter()) {
                case 'o' -> changes = changes.with(options(shell, each.value()));
                case 'c' -> request = request.withCache(cache(shell, each.value()));
                default -> {
                    if (access) {
                        throw shell.complaint("Only one -r/-w option may be given");
                    }
                    access = true;
                    request = request.withWritable(each.letter() == 'w');
                }
            }
        }
        given.operands(0, 0);
        if (access && changes.has("read-only")) {
            throw shell.complaint("Cannot set both -r/-w and 'read-only'");
        }
        if (given.has('c') && CACHE_OPTIONS.stream().anyMatch(changes::has)) {
            throw shell.complaint("Cannot set both -c and the cache options");
        }
        before.tree
                .fixedOption(changes)
                .ifPresent(
                        name -> {
                            throw shell.complaint("Cannot change the option '" + name + "'");
                        });
        if (changes.has("read-only")) {
            request = request.withWritable(!changes.isOn("read-only"));
        }
        OptionTree tree = before.tree.with(changes).without("read-only");
        reopen(shell, before, tree, request);
    }

    private static void reopen(
            IoShell shell, IoOpening before, OptionTree tree, OpenRequest request) {
        shell.close();
        try {
            shell.opened(again(shell, before, tree, request));
        } catch (IoFailure failure) {
            shell.opened(again(shell, before, before.tree, before.request));
            throw failure;
        }
    }

    private static IoOpening again(
            IoShell shell, IoOpening before, OptionTree tree, OpenRequest request) {
        try {
            // Guessing the format again could give another one: the guest has written since.
            boolean known = tree.has("driver") || !request.format().isEmpty();
            boolean guessed = before.disk.isGuessedRaw();
            OpenRequest same = known || guessed ? request : request.withFormat(before.format);
            BlockDevice disk = ChainOpener.open(before.file, tree, same);
            before.disk
                    .breakpoints()
                    .ifPresent(old -> disk.breakpoints().ifPresent(now -> now.continueFrom(old)));
            return new IoOpening(disk, before.format, before.file, tree, request);
        } catch (BlockException failure) {
            String why = failure.found();
            String unsupported = " does not support the option '";
            int at = why.indexOf(unsupported);
            throw shell.complaint(
                    at < 0
                            ? ErrorText.whyNotOpen(failure)
                            : "Cannot change the option '"
                                    + why.substring(at + unsupported.length()));
        }
    }
}
