package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2OptionNames;
import dev.gaur.graph.Credentials;
import dev.gaur.graph.Locations;
import dev.gaur.job.NewFile;
import dev.gaur.mem.BufferPool;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.storage.nbd.NbdAddress;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@code gaur create}: makes an empty image. */
final class CreateCommand implements Command {
    private static final Option FORMAT =
            Option.valued("f", "format", "FMT", "format of the new image (raw or qcow2)");
    private static final Option OPTIONS =
            Option.valued("o", "options", "K=V,..", "options of the format; 'help' lists them");
    private static final Option BACKING =
            Option.valued("b", "backing", "FILE", "what the new image does not have is read there");
    private static final Option BACKING_FORMAT =
            Option.valued("BF", "backing-format", "FMT", "format of the backing file");
    private static final Option UNSAFE =
            Option.flag("u", "backing-unsafe", "do not open the backing file");

    private static final int SECTOR = 512;
    private static final int ZEROS = 1 << 20;

    @Override
    public String name() {
        return "create";
    }

    @Override
    public String summary() {
        return "make an empty image";
    }

    @Override
    public String operands() {
        return "FILE [SIZE]";
    }

    @Override
    public List<Option> options() {
        return List.of(
                FORMAT, OPTIONS, BACKING, BACKING_FORMAT, UNSAFE, Options.QUIET, Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        List<String> operands = call.operands();
        List<String> texts = call.values(OPTIONS);
        String file = operands.isEmpty() ? "" : operands.getFirst();
        String format = CreateFormats.choose(call, FORMAT, file);
        if (CreateFormats.asksForHelp(texts)) {
            call.out().print(CreateFormats.help(call, known(file, format)));
            return 0;
        }
        if (operands.isEmpty() || operands.size() > 2) {
            throw CommandException.usage(
                    operands.isEmpty()
                            ? "Expecting image file name"
                            : "Unexpected argument: " + operands.get(2));
        }
        Credentials credentials = UserObjects.of(call);
        known(file, format);
        requireFile(file);
        long size = operands.size() < 2 ? -1 : call.size(operands.get(1), "image size");
        CreateOptionValues values =
                CreateFormats.values(
                        CreateFormats.options(known(file, format)), texts, file + ": ");
        putBacking(call, file, format, values);
        putSize(call, file, size, values);
        if (format.equals(CreateFormats.QCOW2)) {
            Qcow2OptionNames.putDefaults(values);
        }
        if (!call.has(Options.QUIET)) {
            call.out().print("Formatting '" + file + "', fmt=" + format + " " + values + "\n");
        }
        create(credentials, file, format, values);
        return 0;
    }

    private static String known(String file, String format) {
        if (!CreateFormats.isKnown(format)) {
            throw new CommandException(file + ": Unknown file format '" + format + "'");
        }
        return format;
    }

    /** Refuses names for other drivers. */
    private static void requireFile(String file) {
        try {
            NewTarget.check(file);
        } catch (BlockException.Unsupported failure) {
            throw new CommandException(file + ": " + failure.found());
        }
    }

    private static void putBacking(
            Invocation call, String file, String format, CreateOptionValues values) {
        boolean can = format.equals(CreateFormats.QCOW2);
        if (call.has(BACKING)) {
            require(can, file, "Backing file not supported for file format '" + format + "'");
            values.put("backing_file", call.value(BACKING, ""));
        }
        if (call.has(BACKING_FORMAT)) {
            require(can, file, "Backing format not supported for file format '" + format + "'");
            values.put("backing_fmt", call.value(BACKING_FORMAT, ""));
        }
    }

    private static void require(boolean condition, String file, String otherwise) {
        if (!condition) {
            throw new CommandException(file + ": " + otherwise);
        }
    }

    private static void putSize(
            Invocation call, String file, long size, CreateOptionValues values) {
        if (size >= 0) {
            require(!values.has("size"), file, "The image size must be specified only once");
            values.put("size", Long.toString(size));
        }
        String backing = values.text("backing_file", "");
        if (!backing.isEmpty()) {
            require(
                    !backing.equals(file),
                    file,
                    "Error: Trying to create an image with the same filename as the backing file");
            String format = values.text("backing_fmt", "");
            if (!call.has(UNSAFE)) {
                long length = backingLength(file, backing, format);
                values.putDefault("size", Long.toString(length));
            }
            require(!format.isEmpty(), file, "Backing file specified without backing format");
        }
        require(values.has("size"), file, "Image creation needs a size parameter");
    }

    /** Opens the backing file as the new image will, to see that it is there. */
    private static long backingLength(String file, String backing, String format) {
        try {
            Locations.ofUser(backing); // Has no other driver's name.
            Path resolved = Path.of(file).resolveSibling(backing);
            try (var device = Disks.open(resolved.toString(), format)) {
                return device.length();
            }
        } catch (BlockException failure) {
            boolean driver = failure.found().startsWith("Unknown protocol");
            String why =
                    driver ? failure.found() : ErrorText.cannotOpen(backing, failure, 1).text();
            throw new CommandException(file + ": " + why + "\nCould not open backing image.");
        }
    }

    private static void create(
            Credentials credentials, String file, String format, CreateOptionValues values) {
        if (format.equals(CreateFormats.RAW)) {
            createRaw(credentials, file, values);
            return;
        }
        Qcow2CreateOptions options =
                CreateFormats.checked(
                        file + ": ",
                        () -> {
                            Qcow2CreateOptions parsed = Qcow2OptionNames.parse(values);
                            parsed.validate();
                            return parsed;
                        });
        FileDriver driver = driver(options.preallocation());
        try (NewFile image = begin(credentials, driver, file, 0);
                DataFile data = DataFile.of(driver, file, options)) {
            ImageCreator.create(image.storage(), data.storage(), options);
            data.commit();
            image.commit(false);
        }
    }

    /** Only setting space aside needs system calls, which take long to link. */
    private static FileDriver driver(Preallocation preallocation) {
        return preallocation == Preallocation.FALLOC ? FileDriver.fast() : FileDriver.portable();
    }

    private static NewFile begin(
            Credentials credentials, FileDriver driver, String file, long length) {
        try {
            return NewTarget.of(credentials).begin(driver, file, StorageOptions.WRITE, length);
        } catch (CommandException failure) {
            throw new CommandException(file + ": " + failure.text());
        }
    }

    /** The external data file of an image, if it has one. */
    private record DataFile(Optional<NewFile> file) implements AutoCloseable {
        static DataFile of(FileDriver driver, String image, Qcow2CreateOptions options) {
            if (!options.hasDataFile()) {
                return new DataFile(Optional.empty());
            }
            Path path = Path.of(image).resolveSibling(options.dataFile());
            return new DataFile(Optional.of(begin(Credentials.NONE, driver, path.toString(), 0)));
        }

        Optional<StorageNode> storage() {
            return file.map(NewFile::storage);
        }

        void commit() {
            file.ifPresent(it -> it.commit(false));
        }

        @Override
        public void close() {
            file.ifPresent(NewFile::close);
        }
    }

    private static void createRaw(Credentials credentials, String file, CreateOptionValues values) {
        String mode = values.text("preallocation", "off");
        Preallocation preallocation =
                Preallocation.ofOptionValue(mode)
                        .orElseThrow(
                                () ->
                                        new CommandException(
                                                file
                                                        + ": Parameter 'preallocation' does not"
                                                        + " accept value '"
                                                        + mode
                                                        + "'"));
        require(
                preallocation != Preallocation.METADATA,
                file,
                "Unsupported preallocation mode: metadata");
        long size = (values.number("size", 0) + SECTOR - 1) & -SECTOR;
        try (NewFile image = begin(credentials, driver(preallocation), file, size)) {
            if (NbdAddress.isAddress(file)) {
                forget(image.storage());
            } else {
                image.storage().resize(size);
            }
            fill(image.storage(), size, preallocation);
            image.commit(false);
        }
    }

    /** What was in a disk that stays as it is shall not be taken for an image of another format. */
    private static void forget(StorageNode disk) {
        long count = Math.min(SECTOR, disk.length());
        disk.zero(0, count, ZeroMode.KEEP, Durability.CACHED);
    }

    private static void fill(StorageNode storage, long size, Preallocation preallocation) {
        switch (preallocation) {
            case OFF, METADATA -> {}
            case FALLOC -> storage.zero(0, size, ZeroMode.KEEP, Durability.CACHED);
            case FULL -> {
                MemorySegment zeros = BufferPool.allocate(ZEROS);
                for (long at = 0; at < size; at += ZEROS) {
                    MemorySegment part = zeros.asSlice(0, Math.min(ZEROS, size - at));
                    storage.write(at, part, Durability.CACHED);
                }
            }
        }
    }
}
