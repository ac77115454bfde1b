package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.codec.ClusterEncoder;
import dev.gaur.codec.Codecs;
import dev.gaur.codec.Compression;
import dev.gaur.format.CreateOption;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2OptionNames;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.OpenRequest;
import dev.gaur.job.Convert;
import dev.gaur.job.ConvertOptions;
import dev.gaur.job.JobControl;
import dev.gaur.job.NewFile;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The target of {@code gaur convert}, as the options describe it. */
final class ConvertTargetFile {
    private static final String LEVEL = "compression_level";

    private final Invocation call;
    private final String file;
    private final String format;
    private final CreateOptionValues values;
    private final CacheMode cache;

    ConvertTargetFile(Invocation call, String file) {
        this.call = call;
        this.file = file;
        this.format = format(call, file);
        this.cache = CacheOption.check(call.value(ConvertCommand.CACHE, "unsafe"), "cache option");
        List<CreateOption> known = new ArrayList<>(CreateFormats.options(format));
        if (isImage()) {
            known.add(new CreateOption(LEVEL, CreateOption.Kind.NUMBER, ""));
        }
        this.values = CreateFormats.values(known, call.values(ConvertCommand.OPTIONS), "");
    }

    static String format(Invocation call, String file) {
        String format = CreateFormats.choose(call, ConvertCommand.TARGET_FORMAT, file);
        if (!CreateFormats.isKnown(format)) {
            throw new CommandException("Unknown file format '" + format + "'");
        }
        return format;
    }

    private boolean isImage() {
        return format.equals(CreateFormats.QCOW2);
    }

    /** Tells whether the target is given as a list of driver options. */
    private boolean isTree() {
        return call.has(ConvertCommand.TARGET_OPTS);
    }

    /** Checks what needs no file, in QEMU's words. */
    void check() {
        boolean compress = call.has(ConvertCommand.COMPRESS) && !isTree();
        if (compress && !isImage()) {
            throw new CommandException("Compression not supported for this file format");
        }
        if (compress && !values.text("preallocation", "off").equals("off")) {
            throw new CommandException(
                    "Compression and preallocation not supported at the same time");
        }
        if (call.has(ConvertCommand.BACKING)) {
            if (!isImage() && !isTree()) {
                throw new CommandException(
                        "Backing file not supported for file format '" + format + "'");
            }
            values.put("backing_file", call.value(ConvertCommand.BACKING, ""));
        }
        if (call.has(ConvertCommand.BACKING_FORMAT)) {
            values.put("backing_fmt", call.value(ConvertCommand.BACKING_FORMAT, ""));
        }
        if (values.has("backing_file") && !values.has("backing_fmt")) {
            throw new CommandException("Use of backing file requires explicit backing format");
        }
    }

    /** Looks at the bitmaps that are to be copied. */
    ConvertBitmaps bitmaps(List<BlockDevice> sources) {
        if (!isTree()) {
            return ConvertBitmaps.of(call, sources.getFirst(), format);
        }
        try (BlockDevice target = openTarget()) {
            String found = target.image().info().format();
            return ConvertBitmaps.of(call, sources.getFirst(), found);
        }
    }

    void convert(List<BlockDevice> sources, ConvertOptions options, JobControl control) {
        long length = Convert.length(sources);
        if (call.has(ConvertCommand.NO_CREATE)) {
            writeInto(sources, length, options, control);
        } else if (isImage()) {
            makeImage(sources, length, options, control);
        } else {
            makeRaw(sources, length, options, control);
        }
    }

    /** Tells whether the user wants the target to be safe against a loss of power. */
    private boolean stable() {
        return cache != CacheMode.UNSAFE;
    }

    private NewFile begin(String name, long length) {
        try {
            StorageOptions options = StorageOptions.WRITE.withDirect(cache.direct());
            return NewTarget.of(UserObjects.of(call))
                    .begin(FileDriver.fast(), name, options, length);
        } catch (BlockException.Unsupported failure) {
            throw new CommandException(failure.found());
        } catch (CommandException failure) {
            throw cannotCreate(failure.text());
        }
    }

    private CommandException cannotCreate(String why) {
        return new CommandException(file + ": error while converting " + format + ": " + why);
    }

    private void makeRaw(
            List<BlockDevice> sources, long length, ConvertOptions options, JobControl control) {
        Preallocation preallocation =
                Preallocation.ofOptionValue(values.text("preallocation", "off"))
                        .filter(mode -> mode != Preallocation.METADATA)
                        .orElseThrow(() -> cannotCreate("Unsupported preallocation mode"));
        try (NewFile target = begin(file, length)) {
            StorageNode disk = target.storage();
            if (disk.length() < length) {
                disk.resize(length);
            }
            boolean full = preallocation == Preallocation.FULL;
            if (preallocation == Preallocation.FALLOC) {
                disk.zero(0, length, ZeroMode.KEEP, Durability.CACHED);
            }
            ConvertOptions how = full ? options.withSparseBytes(0) : options;
            Convert.toDisk(sources, disk, target.isNew(), how, control);
            target.commit(stable());
        }
    }

    private void makeImage(
            List<BlockDevice> sources, long length, ConvertOptions options, JobControl control) {
        Qcow2CreateOptions create = createOptions(length);
        if (create.hasDataFile()) {
            makeImageWithDataFile(sources, create, options, control);
            return;
        }
        Convert.Backing backing = Convert.Backing.NONE;
        if (create.hasBacking()) {
            try (BlockDevice below = openBacking(create)) {
                backing = backing(sources, below);
            }
        }
        try (NewFile target = begin(file, 0)) {
            Convert.toImage(
                    sources,
                    target.storage(),
                    create,
                    backing,
                    encoders(create.compression()),
                    options,
                    control);
            target.commit(stable());
        }
    }

    private static Convert.Backing backing(List<BlockDevice> sources, BlockDevice below) {
        return new Convert.Backing(Disks.backingLength(sources.getFirst()), below.length());
    }

    private void makeImageWithDataFile(
            List<BlockDevice> sources,
            Qcow2CreateOptions create,
            ConvertOptions options,
            JobControl control) {
        if (call.has(ConvertCommand.COMPRESS)) {
            throw new CommandException("error while writing at byte 0: Operation not supported");
        }
        if (!create.hasBacking()) {
            Optional<BlockDevice> none = Optional.empty();
            makeImageWithDataFile(sources, create, Convert.Backing.NONE, none, options, control);
            return;
        }
        try (BlockDevice below = openBacking(create)) {
            Convert.Backing backing = backing(sources, below);
            makeImageWithDataFile(sources, create, backing, Optional.of(below), options, control);
        }
    }

    private void makeImageWithDataFile(
            List<BlockDevice> sources,
            Qcow2CreateOptions create,
            Convert.Backing backing,
            Optional<BlockDevice> below,
            ConvertOptions options,
            JobControl control) {
        String dataName = Path.of(file).resolveSibling(create.dataFile()).toString();
        try (NewFile target = begin(file, 0);
                NewFile data = begin(dataName, 0)) {
            Convert.toImageWithDataFile(
                    sources,
                    target.storage(),
                    data.storage(),
                    data.isNew(),
                    create,
                    backing,
                    below.map(BlockDevice::image),
                    options,
                    control);
            data.commit(stable());
            target.commit(stable());
        }
    }

    /** Opens the backing file as the new image will. */
    private BlockDevice openBacking(Qcow2CreateOptions create) {
        Path path = Path.of(file).resolveSibling(create.backingFile());
        try {
            return Disks.open(path.toString(), create.backingFormat());
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(create.backingFile(), failure, 1);
        }
    }

    private Qcow2CreateOptions createOptions(long length) {
        return CreateFormats.checked(
                file + ": error while converting " + format + ": ",
                () -> {
                    Qcow2CreateOptions options = Qcow2OptionNames.parse(values).withSize(length);
                    options.validate();
                    return options;
                });
    }

    private Optional<Supplier<ClusterEncoder>> encoders(Compression compression) {
        if (!call.has(ConvertCommand.COMPRESS)) {
            return Optional.empty();
        }
        int level = (int) values.number(LEVEL, compression.defaultLevel());
        return CreateFormats.checked(
                "",
                () -> {
                    Codecs.encoder(compression, level).close(); // Is there such a level?
                    return Optional.of(() -> Codecs.encoder(compression, level));
                });
    }

    private void writeInto(
            List<BlockDevice> sources, long length, ConvertOptions options, JobControl control) {
        try (BlockDevice target = openTarget()) {
            if (target.length() < length) {
                throw new CommandException("output file is smaller than input file");
            }
            boolean isZero = call.has(ConvertCommand.TARGET_IS_ZERO);
            boolean compress = call.has(ConvertCommand.COMPRESS);
            if (compress && target.compressing().isEmpty()) {
                throw new CommandException("Compression not supported for this file format");
            }
            Convert.Backing backing =
                    call.has(ConvertCommand.BACKING)
                            ? new Convert.Backing(
                                    Disks.backingLength(sources.getFirst()),
                                    Disks.backingLength(target))
                            : Convert.Backing.NONE;
            Convert.toOpenImage(sources, target, backing, isZero, compress, options, control);
            if (stable()) {
                target.flush();
            }
        }
    }

    /** How a target that is there is opened. */
    OpenRequest request() {
        if (isTree() && call.has(ConvertCommand.TARGET_FORMAT)) {
            throw new CommandException("--image-opts and --format are mutually exclusive");
        }
        return OpenRequest.READ
                .withFormat(isTree() ? "" : format)
                .withImageOpts(isTree())
                .withCredentials(UserObjects.of(call))
                .withWritable(true)
                .withCache(cache);
    }

    private BlockDevice openTarget() {
        OpenRequest request = request();
        try {
            return ChangedImage.open(call, file, request);
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(file, failure, 1);
        }
    }
}
