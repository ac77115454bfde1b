package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.Amending;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.qcow2.Qcow2OptionNames;
import dev.gaur.graph.BlockDevice;
import dev.gaur.storage.CacheMode;
import java.util.List;

/** {@code gaur amend}: changes options of an image that it was created with. */
final class AmendCommand implements Command {
    private static final Option OPTIONS =
            Option.valued("o", "options", "K=V,..", "what to change; 'help' lists the options");
    private static final Option FORCE =
            Option.flag("", "force", "of QEMU, for key slots; has no effect here");

    @Override
    public String name() {
        return "amend";
    }

    @Override
    public String summary() {
        return "change options of an image";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                OPTIONS,
                Options.FORMAT,
                CacheOption.OPTION,
                Options.PROGRESS,
                Options.QUIET,
                FORCE,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        List<String> texts = call.values(OPTIONS);
        for (String text : texts) {
            if (text.isEmpty() || text.startsWith(",")) {
                throw new CommandException("Invalid option list: " + text);
            }
        }
        if (texts.isEmpty()) {
            throw CommandException.usage("Must specify options (-o)");
        }
        CacheMode cache = CacheOption.mode(call);
        String format = call.value(Options.FORMAT, "");
        boolean help = CreateFormats.asksForHelp(texts);
        if (help && !format.isEmpty()) {
            call.out().print(help(call, format));
            return 0;
        }
        if (call.operands().size() != 1) {
            throw new CommandException("Expecting one image file name");
        }
        String file = call.operands().getFirst();
        try (BlockDevice device = ChangedImage.open(call, file, cache);
                Progress progress = call.progress()) {
            ImageInfo info = device.image().info();
            if (help) {
                call.out().print(help(call, info.format()));
                return 0;
            }
            requireAmendable(info.format());
            CreateOptionValues values = values(texts);
            boolean version3 = info.details() instanceof ImageInfo.Qcow2 it && it.version() == 3;
            amend(call, device, values);
            if (version3 && !List.of("", "1.1", "v3").contains(values.text("compat", ""))) {
                progress.update(1, 1); // QEMU shows that going down is done, then all.
            }
            progress.complete();
        }
        return 0;
    }

    private static String help(Invocation call, String format) {
        requireAmendable(format);
        return CreateFormats.help(
                call, "Amend options for '" + format + "':\n", Qcow2OptionNames.AMENDABLE);
    }

    private static void requireAmendable(String format) {
        if (!CreateFormats.isKnown(format)) {
            throw new CommandException("Unknown file format '" + format + "'");
        }
        if (!format.equals(CreateFormats.QCOW2)) {
            throw new CommandException(
                    "Format driver '" + format + "' does not support option amendment");
        }
    }

    private static CreateOptionValues values(List<String> texts) {
        CreateOptionValues values = new CreateOptionValues(Qcow2OptionNames.AMENDABLE);
        try {
            texts.forEach(values::parse);
        } catch (IllegalArgumentException wrong) {
            String message = String.valueOf(wrong.getMessage());
            boolean creation =
                    Qcow2OptionNames.ALL.stream()
                            .filter(option -> !Qcow2OptionNames.OF_FILES.contains(option.name()))
                            .anyMatch(
                                    option ->
                                            message.equals(
                                                    "Invalid parameter '" + option.name() + "'"));
            throw new CommandException(
                    creation
                            ? message + "\nThis option is only supported for image creation"
                            : message);
        }
        return values;
    }

    private static void amend(Invocation call, BlockDevice device, CreateOptionValues values) {
        ImageInfo info = device.image().info();
        boolean named = values.has("backing_file") || values.has("backing_fmt");
        String backing = info.backing().map(it -> it.name()).orElse("");
        String backingFormat = info.backing().map(it -> it.format()).orElse("");
        boolean otherBacking =
                named
                        && (!values.text("backing_file", "").equals(backing)
                                || !values.text("backing_fmt", "").equals(backingFormat));
        if (otherBacking) {
            throw new CommandException(
                    "Cannot amend the backing file\nYou can use '"
                            + call.program()
                            + " rebase' instead.");
        }
        Amending amending = device.image().amending().orElseThrow(AssertionError::new);
        try {
            amending.amend(Qcow2OptionNames.amendment(values));
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(String.valueOf(wrong.getMessage()));
        } catch (BlockException failure) {
            throw new CommandException(ErrorText.found(failure));
        }
    }
}
