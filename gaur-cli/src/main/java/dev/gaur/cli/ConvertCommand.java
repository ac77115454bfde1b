package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.job.ConvertOptions;
import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.util.ArrayList;
import java.util.List;

/** {@code gaur convert}: copies an image, or several one behind the other, into a new one. */
final class ConvertCommand implements Command {
    static final Option SOURCE_FORMAT =
            Option.valued("f", "source-format", "FMT", "format of the sources");
    static final Option TARGET_FORMAT =
            Option.valued("O", "target-format", "FMT", "format of the target (raw or qcow2)");
    static final Option OPTIONS =
            Option.valued(
                    "o", "options", "K=V,..", "options of the target's format; 'help' lists them");
    static final Option SNAPSHOT =
            Option.valued("l", "snapshot", "SNAPSHOT", "copy an internal snapshot, by id or name");
    static final Option BACKING =
            Option.valued("Bb", "backing", "FILE", "give the target a backing file");
    static final Option BACKING_FORMAT =
            Option.valued("F", "backing-format", "FMT", "format of the backing file");
    static final Option SPARSE =
            Option.valued(
                    "S", "sparse-size", "SIZE", "zeros that become holes: 4k; 0 writes them all");
    static final Option NO_CREATE =
            Option.flag("n", "no-create", "write into a target that is there");
    static final Option TARGET_IS_ZERO =
            Option.flag("", "target-is-zero", "with -n: the target reads as zeros");
    static final Option COMPRESS = Option.flag("c", "compress", "compress the target's clusters");
    static final Option RATE =
            Option.valued("r", "rate-limit", "RATE", "bytes per second to read at most");
    static final Option PARALLEL =
            Option.valued("m", "parallel", "COUNT", "how many threads work, 1 to 16");
    static final Option OUT_OF_ORDER =
            Option.flag("W", "oob-writes", "write in any order; done in any case, so of no effect");
    static final Option SALVAGE = Option.flag("", "salvage", "take zeros for what cannot be read");
    static final Option CACHE =
            Option.valued(
                    "t", "target-cache", "MODE", "cache mode of the target; unsafe unless given");
    private static final Option SOURCE_CACHE =
            Option.valued("T", "source-cache", "MODE", "cache mode of the sources");
    private static final Option COPY_RANGE =
            Option.flag(
                    "C",
                    "copy-range-offloading",
                    "let the system copy; checked, else of no effect");
    static final Option BITMAPS = Option.flag("", "bitmaps", "copy dirty bitmaps too");
    static final Option SKIP_BITMAPS =
            Option.flag("", "skip-broken-bitmaps", "copy the others if some are broken");
    static final Option TARGET_OPTS =
            Option.flag("", "target-image-opts", "the target is a list of driver options");

    private static final int WORKERS_MAX = 16;
    private static final int SPARSE_MAX = 16 << 20;
    private static final int SECTOR = 512;

    @Override
    public String name() {
        return "convert";
    }

    @Override
    public String summary() {
        return "copy an image to another format";
    }

    @Override
    public String operands() {
        return "SOURCE... TARGET";
    }

    @Override
    public List<Option> options() {
        return List.of(
                SOURCE_FORMAT,
                TARGET_FORMAT,
                OPTIONS,
                SNAPSHOT,
                BACKING,
                BACKING_FORMAT,
                SPARSE,
                NO_CREATE,
                TARGET_IS_ZERO,
                COMPRESS,
                RATE,
                PARALLEL,
                OUT_OF_ORDER,
                SALVAGE,
                CACHE,
                SOURCE_CACHE,
                COPY_RANGE,
                BITMAPS,
                SKIP_BITMAPS,
                TARGET_OPTS,
                Options.SHARED,
                Options.PROGRESS,
                Options.QUIET,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public String details() {
        return "A new target appears under its name when it is complete. With -c,\n"
                + "-o compression_level= chooses between speed and size (zlib 1-9, zstd 1-19).";
    }

    @Override
    public int run(Invocation call) {
        List<String> names = call.operands();
        if (CreateFormats.asksForHelp(call.values(OPTIONS))) {
            String target = names.isEmpty() ? "" : names.getLast();
            call.out().print(CreateFormats.help(call, ConvertTargetFile.format(call, target)));
            return 0;
        }
        ConvertOptions options = checked(call);
        if (names.size() < 2) {
            throw new CommandException("Must specify image file name");
        }
        ConvertTargetFile target = new ConvertTargetFile(call, names.getLast());
        target.check();
        ConvertBitmaps.check(call);
        List<BlockDevice> sources = new ArrayList<>();
        try {
            for (String name : names.subList(0, names.size() - 1)) {
                sources.add(open(call, name));
            }
            ConvertBitmaps bitmaps = call.has(BITMAPS) ? target.bitmaps(sources) : null;
            try (Progress progress = call.progress()) {
                target.convert(sources, options, Disks.control(call, progress));
                progress.complete();
            }
            if (bitmaps != null) {
                bitmaps.copyTo(names.getLast(), target.request());
            }
        } finally {
            sources.forEach(BlockDevice::close);
        }
        return 0;
    }

    /** Checks what needs no file, in QEMU's words. */
    private static ConvertOptions checked(Invocation call) {
        if (call.has(TARGET_OPTS) && !call.has(NO_CREATE)) {
            throw new CommandException("--target-image-opts requires use of -n flag");
        }
        if (call.has(TARGET_IS_ZERO) && !call.has(NO_CREATE)) {
            throw new CommandException("--target-is-zero requires use of -n flag");
        }
        if (call.has(NO_CREATE) && call.has(OPTIONS)) {
            throw new CommandException("-o has no effect when skipping image creation");
        }
        if (call.has(COPY_RANGE) && call.has(COMPRESS)) {
            throw new CommandException("Cannot enable copy offloading when -c is used");
        }
        if (call.has(COPY_RANGE) && call.has(SPARSE)) {
            throw new CommandException("Cannot enable copy offloading when -S is used");
        }
        if (call.has(COPY_RANGE) && call.has(SALVAGE)) {
            throw new CommandException("Cannot use copy offloading in salvaging mode");
        }
        boolean several = call.operands().size() > 2;
        if (several && call.has(BACKING)) {
            throw new CommandException(
                    "Having a backing file for the target makes no sense when concatenating"
                            + " multiple input images");
        }
        if (several && call.has(SNAPSHOT)) {
            throw new CommandException("No support for concatenating multiple snapshot");
        }
        return ConvertOptions.DEFAULT
                .withSparseBytes(sparseBytes(call))
                .withWorkers(workers(call))
                .withBytesPerSecond(call.size(RATE, "rate limit", 0))
                .withSalvage(call.has(SALVAGE));
    }

    private static int sparseBytes(Invocation call) {
        long bytes = -1;
        try {
            bytes = Sizes.parse(call.value(SPARSE, "4k"));
        } catch (SizeException _) {
            // Refused below.
        }
        if (bytes < 0 || bytes > SPARSE_MAX || bytes % SECTOR != 0) {
            throw new CommandException(
                    "Invalid buffer size for sparse output specified. Valid sizes are multiples of"
                            + " 512 up to 16777216. Select 0 to disable sparse detection (fully"
                            + " allocates output).");
        }
        return (int) bytes;
    }

    private static int workers(Invocation call) {
        if (!call.has(PARALLEL)) {
            return ConvertOptions.DEFAULT.workers();
        }
        int count = 0;
        try {
            count = Integer.parseInt(call.value(PARALLEL, ""));
        } catch (NumberFormatException _) {
            // Refused below.
        }
        if (count < 1 || count > WORKERS_MAX) {
            throw new CommandException(
                    "Invalid number of coroutines. Allowed number of coroutines is between 1 and "
                            + WORKERS_MAX);
        }
        return count;
    }

    private static BlockDevice open(Invocation call, String name) {
        try {
            return ChainOpener.open(
                    name,
                    Options.request(call, SOURCE_FORMAT)
                            .withCache(CacheOption.sourceMode(call, SOURCE_CACHE))
                            .withSnapshot(snapshot(call.value(SNAPSHOT, ""))));
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(name, failure, 1);
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
}
