package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.job.Commit;
import dev.gaur.storage.file.FileDriver;
import java.nio.file.Path;
import java.util.List;

/** {@code gaur commit}: moves what an image has to its backing file. */
final class CommitCommand implements Command {
    private static final Option BASE =
            Option.valued(
                    "b", "base", "FILE", "the layer to write to; with it, nothing is dropped");
    private static final Option DROP =
            Option.flag("d", "drop", "leave the image as it is; it is to be deleted");
    private static final Option RATE =
            Option.valued("r", "rate-limit", "RATE", "bytes per second to copy at most");
    private static final int WORKERS = 2;

    @Override
    public String name() {
        return "commit";
    }

    @Override
    public String summary() {
        return "move an image's content to its backing file";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT,
                BASE,
                DROP,
                RATE,
                CacheOption.OPTION,
                Options.PROGRESS,
                Options.QUIET,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public String details() {
        return "The backing file reads as FILE does afterwards, and FILE is empty. Layers between\n"
                + "FILE and the base of -b are not to be used any more.";
    }

    @Override
    public int run(Invocation call) {
        long rate = call.size(RATE, "rate limit", 0);
        String file = call.onlyOperand("Expecting one image file name");
        OpenRequest request = CacheOption.request(call);
        int depth = depth(call, file, request);
        boolean keeps = call.has(DROP) || call.has(BASE);
        try (BlockDevice disk = openWithBase(file, request, depth);
                Progress progress = call.progress()) {
            Commit.run(disk, depth, WORKERS, rate, Disks.control(call, progress));
            if (!keeps) {
                Commit.makeEmpty(disk);
            }
            progress.complete();
        }
        if (!call.has(Options.QUIET)) {
            call.out().print("Image committed.\n");
        }
        return 0;
    }

    private static BlockDevice openWithBase(String file, OpenRequest request, int depth) {
        try {
            return ChainOpener.openWithBase(file, request, depth);
        } catch (BlockException.Busy failure) {
            throw new CommandException(failure.found()); // Of the base: the rest could be opened.
        }
    }

    /** Finds the layer to write to: the image's own backing file unless another is named. */
    private static int depth(Invocation call, String file, OpenRequest request) {
        try (BlockDevice disk = ChangedImage.open(call, file, request)) {
            List<Image> layers = disk.layers();
            if (!call.has(BASE)) {
                if (layers.size() < 2) {
                    throw new CommandException("Image does not have a backing file");
                }
                return 1;
            }
            String base = call.value(BASE, "");
            for (int depth = 1; depth < layers.size(); depth++) {
                if (isNamed(layers, depth, base)) {
                    return depth;
                }
            }
            throw new CommandException(
                    "Did not find '" + base + "' in the backing chain of '" + file + "'");
        }
    }

    /** A layer has the name that the image above has for it, or that of its file. */
    private static boolean isNamed(List<Image> layers, int depth, String name) {
        Image above = layers.get(depth - 1);
        String stored = above.info().backing().map(reference -> reference.name()).orElse("");
        String file = layers.get(depth).name();
        return name.equals(stored)
                || isSameFile(file, Path.of(above.name()).resolveSibling(name).toString())
                || isSameFile(file, name);
    }

    private static boolean isSameFile(String file, String name) {
        try {
            return FileDriver.key(file).equals(FileDriver.key(name));
        } catch (BlockException _) {
            return false;
        }
    }
}
