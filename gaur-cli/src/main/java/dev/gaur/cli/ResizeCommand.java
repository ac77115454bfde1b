package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.CreateOption;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.Preallocation;
import dev.gaur.format.Resizing;
import dev.gaur.graph.BlockDevice;
import java.util.List;

/** {@code gaur resize}: changes the size of the virtual disk. */
final class ResizeCommand implements Command {
    private static final Option PREALLOCATION =
            Option.valued(
                    "", "preallocation", "MODE", "of the new area: off, metadata, falloc or full");
    private static final Option SHRINK =
            Option.flag("", "shrink", "allow to lose what lies behind a smaller disk's end");

    @Override
    public String name() {
        return "resize";
    }

    @Override
    public String summary() {
        return "change the size of the virtual disk";
    }

    @Override
    public String operands() {
        return "FILE [+|-]SIZE";
    }

    @Override
    public String details() {
        return "The last argument is the size, even if it begins with a minus.";
    }

    @Override
    public int lastOperands() {
        return 1;
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT,
                PREALLOCATION,
                SHRINK,
                Options.QUIET,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        Preallocation preallocation = preallocation(call.value(PREALLOCATION, "off"));
        if (call.operands().size() != 2) {
            throw CommandException.usage("Expecting image file name and size");
        }
        String file = call.operands().getFirst();
        Wish wish = Wish.of(call.operands().getLast());
        try (BlockDevice device = ChangedImage.open(call, file)) {
            resize(call, device, wish.from(device.length()), preallocation);
        }
        if (!call.has(Options.QUIET)) {
            call.out().print("Image resized.\n");
        }
        return 0;
    }

    private static Preallocation preallocation(String mode) {
        return Preallocation.ofOptionValue(mode)
                .orElseThrow(
                        () -> new CommandException("Invalid preallocation mode '" + mode + "'"));
    }

    /**
     * The size as it was given.
     *
     * @param sign 0 if the size is given, 1 or -1 if a change is
     */
    private record Wish(int sign, long number) {
        static Wish of(String text) {
            int sign = text.startsWith("+") ? 1 : text.startsWith("-") ? -1 : 0;
            CreateOption size = new CreateOption("size", CreateOption.Kind.SIZE, "");
            CreateOptionValues values = new CreateOptionValues(List.of(size));
            String digits = sign == 0 ? text : text.substring(1);
            try {
                values.put("size", digits);
            } catch (IllegalArgumentException wrong) {
                if (String.valueOf(wrong.getMessage()).contains("out of range")) {
                    return new Wish(0, -1);
                }
                throw new CommandException(String.valueOf(wrong.getMessage()));
            }
            return new Wish(sign, values.number("size", 0));
        }

        /** The new size; not above 0 if there is none. */
        long from(long current) {
            return sign == 0 ? number : current + sign * number;
        }
    }

    private static void resize(
            Invocation call, BlockDevice device, long size, Preallocation preallocation) {
        long current = device.length();
        if (size <= 0) {
            throw new CommandException("New image size must be positive");
        }
        if (size <= current && preallocation != Preallocation.OFF) {
            throw new CommandException("Preallocation can only be used for growing images");
        }
        if (size < current && !call.has(SHRINK)) {
            call.error("Use the --shrink option to perform a shrink operation.");
            call.warn(
                    "Shrinking an image will delete all data beyond the shrunken image's end."
                            + " Before performing such an operation, make sure there is no"
                            + " important data there.");
            throw new CommandException("");
        }
        Resizing resizing = device.image().resizing().orElseThrow(AssertionError::new);
        try {
            resizing.resize(size, preallocation);
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(String.valueOf(wrong.getMessage()));
        } catch (BlockException failure) {
            throw new CommandException(ErrorText.found(failure));
        }
    }
}
