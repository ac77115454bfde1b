package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.job.Rebase;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@code gaur rebase}: gives an image another backing file. */
final class RebaseCommand implements Command {
    private static final Option BACKING =
            Option.valued("b", "backing", "FILE", "the new backing file; empty for none");
    private static final Option BACKING_FORMAT =
            Option.valued("BF", "backing-format", "FMT", "format of the new backing file");
    private static final Option UNSAFE =
            Option.flag("u", "backing-unsafe", "change the name only: the content may change");
    private static final Option COMPRESS =
            Option.flag("c", "compress", "compress what has to be copied into the image");
    private static final Option BACKING_CACHE =
            Option.valued("T", "backing-cache", "MODE", "cache mode of the new backing file");
    private static final Option SHARED =
            Option.flag(
                    "U", "force-share", "open the backing file although somebody may be writing");

    @Override
    public String name() {
        return "rebase";
    }

    @Override
    public String summary() {
        return "give an image another backing file";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT,
                BACKING,
                BACKING_FORMAT,
                UNSAFE,
                COMPRESS,
                CacheOption.OPTION,
                BACKING_CACHE,
                SHARED,
                Options.PROGRESS,
                Options.QUIET,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public String details() {
        return "Copies into FILE what the new backing chain has not, so that FILE reads the same.\n"
                + "If that fails, FILE still has its old backing file and content.";
    }

    @Override
    public int run(Invocation call) {
        String file = call.onlyOperand("Expecting one image file name");
        if (!call.has(UNSAFE) && !call.has(BACKING)) {
            throw CommandException.usage("Must specify backing file (-b) or use unsafe mode (-u)");
        }
        OpenRequest request = CacheOption.request(call).withBacking(!call.has(UNSAFE));
        CacheOption.sourceMode(call, BACKING_CACHE); // Wrong words are refused first.
        try (BlockDevice overlay = ChangedImage.open(call, file, request);
                Progress progress = call.progress()) {
            rebase(call, file, overlay, progress);
            progress.complete();
        }
        return 0;
    }

    private static void rebase(
            Invocation call, String file, BlockDevice overlay, Progress progress) {
        String name = call.value(BACKING, "");
        String format = call.value(BACKING_FORMAT, "");
        if (!format.isEmpty() && !CreateFormats.isKnown(format)) {
            throw new CommandException("Invalid format name: '" + format + "'");
        }
        Rebase.Target target = new Rebase.Target(name, format);
        if (call.has(UNSAFE) || name.isEmpty()) {
            change(call, overlay, Optional.empty(), target, progress);
            return;
        }
        try (BlockDevice below = openBelow(call, file, target)) {
            change(call, overlay, Optional.of(below), target, progress);
        }
    }

    private static BlockDevice openBelow(Invocation call, String file, Rebase.Target target) {
        try {
            String location = beside(file, target.name());
            OpenRequest request =
                    OpenRequest.READ
                            .withFormat(target.format())
                            .withShared(call.has(SHARED))
                            .withCredentials(UserObjects.of(call))
                            .withCache(CacheOption.sourceMode(call, BACKING_CACHE));
            return ChainOpener.open(location, request);
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen("new backing file ", target.name(), failure);
        }
    }

    /** As the image will have it: relative to its folder, unless it has a protocol. */
    private static String beside(String file, String name) {
        int colon = name.indexOf(':');
        boolean hasProtocol = colon >= 0 && !name.substring(0, colon).contains("/");
        return hasProtocol ? name : Path.of(file).resolveSibling(name).toString();
    }

    private static void change(
            Invocation call,
            BlockDevice overlay,
            Optional<BlockDevice> below,
            Rebase.Target target,
            Progress progress) {
        if (!target.name().isEmpty() && target.format().isEmpty()) {
            throw cannotChange(target, "backing format must be specified");
        }
        try {
            if (call.has(UNSAFE)) {
                Rebase.unsafe(overlay.image(), target);
                return;
            }
            int workers = Rebase.Options.DEFAULT.workers();
            Rebase.Options options =
                    new Rebase.Options(call.has(COMPRESS), hasPlainNames(call), workers);
            Rebase.run(overlay, below, target, options, Disks.control(call, progress));
        } catch (BlockException.Unsupported failure) {
            boolean full = failure.structure().equals("header");
            throw cannotChange(target, full ? "No space left in the file header" : failure.found());
        }
    }

    /** With other names one file may be opened in several ways. */
    private static boolean hasPlainNames(Invocation call) {
        return !call.has(Options.IMAGE_OPTS)
                && !call.operands().getFirst().startsWith("json:")
                && !call.value(BACKING, "").startsWith("json:");
    }

    private static CommandException cannotChange(Rebase.Target target, String why) {
        return new CommandException(
                "Could not change the backing file to '" + target.name() + "': " + why);
    }
}
