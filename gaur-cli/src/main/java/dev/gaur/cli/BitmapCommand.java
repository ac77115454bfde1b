package dev.gaur.cli;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.OpenRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code gaur bitmap}: changes the dirty bitmaps of an image, one action after the other. What was
 * done before one failed stays done.
 */
final class BitmapCommand implements Command {
    private static final Option ADD = Option.flag("", "add", "add an empty bitmap, enabled");
    private static final Option REMOVE =
            Option.flag("", "remove", "remove the bitmap, whatever its state");
    private static final Option CLEAR = Option.flag("", "clear", "forget what is dirty");
    private static final Option ENABLE = Option.flag("", "enable", "follow every write");
    private static final Option DISABLE =
            Option.flag("", "disable", "do not follow writes any more");
    private static final Option MERGE =
            Option.valued("", "merge", "SOURCE", "mark what is dirty in the bitmap SOURCE");
    private static final Option SOURCE_FILE =
            Option.valued("b", "source-file", "FILE", "the image that has the bitmaps to merge");
    private static final Option SOURCE_FORMAT =
            Option.valued("F", "source-format", "FMT", "format of that image");
    private static final Option GRANULARITY =
            Option.valued("g", "granularity", "SIZE", "bytes for each bit, with --add");

    private static final List<Option> ACTIONS = List.of(ADD, REMOVE, CLEAR, ENABLE, DISABLE, MERGE);

    @Override
    public String name() {
        return "bitmap";
    }

    @Override
    public String summary() {
        return "change the dirty bitmaps of an image";
    }

    @Override
    public String operands() {
        return "FILE BITMAP";
    }

    @Override
    public List<Option> options() {
        List<Option> options = new ArrayList<>(ACTIONS);
        options.addAll(
                List.of(
                        SOURCE_FILE,
                        SOURCE_FORMAT,
                        GRANULARITY,
                        Options.FORMAT,
                        Options.IMAGE_OPTS,
                        Options.OBJECT));
        return options;
    }

    @Override
    public String details() {
        return "Actions are done in the order they are given. Backing files are not opened.";
    }

    @Override
    public int run(Invocation call) {
        long granularity = call.size(GRANULARITY, "granularity", 0);
        List<OptionParser.Given> actions =
                call.given().stream().filter(each -> ACTIONS.contains(each.option())).toList();
        check(call, actions, granularity);
        String file = call.operands().get(0);
        String name = call.operands().get(1);
        OpenRequest request =
                Options.request(call, Options.FORMAT).withWritable(true).withBacking(false);
        try (BlockDevice target = ChangedImage.open(call, file, request);
                BlockDevice source = source(call)) {
            Image from = source == null ? target.image() : source.image();
            for (OptionParser.Given action : actions) {
                run(action, target.image(), name, granularity, from);
            }
        }
        return 0;
    }

    /** Checks in qemu-img's order. */
    private static void check(Invocation call, List<OptionParser.Given> actions, long granularity) {
        if (actions.isEmpty()) {
            throw new CommandException(
                    "Need at least one of --add, --remove, --clear, --enable, --disable, or"
                            + " --merge");
        }
        if (granularity != 0 && !call.has(ADD)) {
            throw new CommandException("granularity only supported with --add");
        }
        if (call.has(SOURCE_FORMAT) && !call.has(SOURCE_FILE)) {
            throw new CommandException("-F only supported with -b");
        }
        if (call.has(SOURCE_FILE) && !call.has(MERGE)) {
            throw new CommandException("Merge bitmap source file only supported with --merge");
        }
        if (call.operands().size() != 2) {
            throw new CommandException("Expecting filename and bitmap name");
        }
    }

    private static @Nullable BlockDevice source(Invocation call) {
        return call.has(SOURCE_FILE)
                ? ChangedImage.open(
                        call,
                        call.value(SOURCE_FILE, ""),
                        OpenRequest.READ
                                .withFormat(call.value(SOURCE_FORMAT, ""))
                                .withCredentials(UserObjects.of(call))
                                .withBacking(false))
                : null;
    }

    private static void run(
            OptionParser.Given action, Image image, String name, long granularity, Image source) {
        Option option = action.option();
        try {
            if (option == ADD) {
                add(image, name, granularity);
            } else if (option == MERGE) {
                DirtyBitmap bits = bitmaps(source, action.value()).copyOf(action.value());
                bitmaps(image, name).merge(name, bits);
            } else if (option == REMOVE) {
                bitmaps(image, name).remove(name);
            } else if (option == CLEAR) {
                bitmaps(image, name).clear(name);
            } else {
                bitmaps(image, name).enable(name, option == ENABLE);
            }
        } catch (BlockException failure) {
            throw failed(option, name, failure.found());
        }
    }

    private static void add(Image image, String name, long wished) {
        Optional<Bitmaps> bitmaps = image.bitmaps();
        long granularity =
                wished != 0 ? wished : bitmaps.map(Bitmaps::defaultGranularity).orElse(512L);
        boolean power = Long.bitCount(granularity) == 1;
        if (name.isEmpty()) {
            throw failed(ADD, name, "Bitmap name cannot be empty");
        }
        if (!power
                || granularity < Bitmaps.GRANULARITY_MIN
                || granularity > Bitmaps.GRANULARITY_MAX) {
            throw failed(ADD, name, "Granularity must be power of 2 and at least 512");
        }
        if (bitmaps.isEmpty()) {
            throw failed(
                    ADD,
                    name,
                    "Can't store persistent bitmaps to "
                            + image.name()
                            + ": Operation not supported");
        }
        try {
            bitmaps.get().add(name, granularity, true);
        } catch (BlockException.Unsupported never) {
            throw failed(
                    ADD,
                    name,
                    "Can't make bitmap '%s' persistent in '%s': %s"
                            .formatted(name, image.name(), never.found()));
        }
    }

    private static Bitmaps bitmaps(Image image, String name) {
        return image.bitmaps()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        image.name(),
                                        "",
                                        "Dirty bitmap '%s' not found".formatted(name)));
    }

    private static CommandException failed(Option action, String name, String why) {
        return new CommandException(
                "Operation %s on bitmap %s failed: %s".formatted(action.word(), name, why));
    }
}
