package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.MeasureReport;
import dev.gaur.format.qcow2.Measure;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2OptionNames;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.json.JsonWriter;
import java.util.List;
import java.util.OptionalLong;

/** {@code gaur measure}: tells how large a new image would be. */
final class MeasureCommand implements Command {
    private static final Option SIZE =
            Option.valued("s", "size", "SIZE", "measure an empty image of this size");
    private static final Option TARGET_FORMAT =
            Option.valued("O", "target-format", "FMT", "format of the new image (raw or qcow2)");
    private static final Option OPTIONS =
            Option.valued("o", "options", "K=V,..", "options of the new image");
    private static final Option SNAPSHOT =
            Option.valued("l", "snapshot", "SNAPSHOT", "measure an internal snapshot");

    private static final int SECTOR = 512;

    @Override
    public String name() {
        return "measure";
    }

    @Override
    public String summary() {
        return "tell how large a new image would be";
    }

    @Override
    public String operands() {
        return "[FILE]";
    }

    @Override
    public List<Option> options() {
        return List.of(
                TARGET_FORMAT,
                OPTIONS,
                SIZE,
                Options.FORMAT,
                SNAPSHOT,
                Options.SHARED,
                Options.OUTPUT,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        boolean json = Options.json(call);
        long size = call.size(SIZE, "image size", -1);
        List<String> files = call.operands();
        requireSource(call, size, files);
        String format = call.value(TARGET_FORMAT, CreateFormats.RAW);
        CreateOptionValues values = values(call, format);
        MeasureReport report =
                files.isEmpty()
                        ? ofSize(format, values, size)
                        : ofFile(call, files.getFirst(), format, values);
        call.out().print(json ? json(report) : human(report));
        return 0;
    }

    private static void requireSource(Invocation call, long size, List<String> files) {
        require(files.size() <= 1, "At most one filename argument is allowed.");
        boolean forFile =
                call.has(Options.FORMAT) || call.has(SNAPSHOT) || call.has(Options.IMAGE_OPTS);
        require(
                !files.isEmpty() || !forFile,
                "--image-opts, -f, and -l require a filename argument.");
        require(
                !files.isEmpty() || size >= 0,
                "Either --size N or one filename must be specified.");
        require(files.isEmpty() || size < 0, "--size N cannot be used together with a filename.");
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new CommandException(otherwise);
        }
    }

    private static CreateOptionValues values(Invocation call, String format) {
        require(CreateFormats.isKnown(format), "Unknown file format '" + format + "'");
        CreateOptionValues values = new CreateOptionValues(CreateFormats.options(format));
        try {
            call.values(OPTIONS).forEach(values::parse);
        } catch (IllegalArgumentException wrong) {
            call.error(String.valueOf(wrong.getMessage()));
            throw new CommandException("Invalid options for file format '" + format + "'");
        }
        return values;
    }

    private static MeasureReport ofSize(String format, CreateOptionValues values, long size) {
        return format.equals(CreateFormats.QCOW2)
                ? CreateFormats.checked(
                        "", () -> Measure.ofSize(Qcow2OptionNames.parse(values).withSize(size)))
                : raw(size);
    }

    /** As many bytes as the disk has, in whole sectors. */
    private static MeasureReport raw(long size) {
        long rounded = (size + SECTOR - 1) & -SECTOR;
        return new MeasureReport(rounded, rounded, OptionalLong.empty());
    }

    private static MeasureReport ofFile(
            Invocation call, String file, String format, CreateOptionValues values) {
        Qcow2CreateOptions options =
                CreateFormats.checked("", () -> Qcow2OptionNames.parse(values));
        try (BlockDevice disk = open(call, file)) {
            return format.equals(CreateFormats.QCOW2)
                    ? CreateFormats.checked(
                            "", () -> Measure.ofDisk(options, disk, disk.image().info()))
                    : raw(disk.length());
        }
    }

    private static BlockDevice open(Invocation call, String file) {
        OpenRequest request =
                Options.request(call, Options.FORMAT)
                        .withSnapshot(snapshot(call.value(SNAPSHOT, "")));
        try {
            return ChainOpener.open(file, request);
        } catch (BlockException failure) {
            if (call.has(SNAPSHOT) && failure.structure().equals("snapshot table")) {
                throw new CommandException("Failed to load snapshot: Can't find snapshot");
            }
            throw ErrorText.cannotOpen(file, failure, 1);
        }
    }

    /** A snapshot is given by id or name, or as {@code snapshot.id=} or {@code snapshot.name=}. */
    private static String snapshot(String text) {
        for (String prefix : List.of("snapshot.id=", "snapshot.name=")) {
            if (text.startsWith(prefix)) {
                return text.substring(prefix.length());
            }
        }
        return text;
    }

    private static String human(MeasureReport report) {
        StringBuilder text = new StringBuilder();
        text.append("required size: ").append(Long.toUnsignedString(report.required()));
        text.append("\nfully allocated size: ");
        text.append(Long.toUnsignedString(report.fullyAllocated())).append('\n');
        report.bitmaps().ifPresent(it -> text.append("bitmaps size: ").append(it).append('\n'));
        return text.toString();
    }

    private static String json(MeasureReport report) {
        JsonWriter out = JsonWriter.pretty().beginObject();
        report.bitmaps().ifPresent(it -> out.entry("bitmaps", it));
        out.key("required").number(Long.toUnsignedString(report.required()));
        out.key("fully-allocated").number(Long.toUnsignedString(report.fullyAllocated()));
        return out.endObject() + "\n";
    }
}
