package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.job.Compare;
import dev.gaur.job.JobControl;
import dev.gaur.storage.CacheMode;
import java.util.List;

/** {@code gaur compare}: tells whether two images read the same. */
final class CompareCommand implements Command {
    private static final Option FIRST_FORMAT =
            Option.valued("f", "a-format", "FMT", "format of the first image");
    private static final Option SECOND_FORMAT =
            Option.valued("F", "b-format", "FMT", "format of the second image");
    private static final Option STRICT =
            Option.flag("s", "strict", "sizes and allocation have to be the same too");
    private static final Option CACHE =
            Option.valued("T", "cache", "MODE", "cache mode of both images");

    private static final int CANNOT_OPEN = 2;
    private static final int CANNOT_ASK = 3;
    private static final int CANNOT_READ = 4;

    @Override
    public String name() {
        return "compare";
    }

    @Override
    public String summary() {
        return "tell whether two images read the same";
    }

    @Override
    public String operands() {
        return "FILE1 FILE2";
    }

    @Override
    public String details() {
        return "Exit code: 0 the same, 1 different, 2 cannot open, 3 and 4 cannot read.";
    }

    @Override
    public List<Option> options() {
        return List.of(
                FIRST_FORMAT,
                SECOND_FORMAT,
                STRICT,
                CACHE,
                Options.SHARED,
                Options.PROGRESS,
                Options.QUIET,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public int run(Invocation call) {
        if (call.operands().size() != 2) {
            throw CommandException.usage("Expecting two image file names");
        }
        CacheMode cache = cache(call);
        String firstName = call.operands().get(0);
        String secondName = call.operands().get(1);
        try (BlockDevice first = open(call, firstName, FIRST_FORMAT, cache);
                BlockDevice second = open(call, secondName, SECOND_FORMAT, cache)) {
            return compare(call, first, second);
        }
    }

    private static CacheMode cache(Invocation call) {
        try {
            return CacheOption.sourceMode(call, CACHE);
        } catch (CommandException wrong) {
            throw new CommandException(String.valueOf(wrong.getMessage()), CANNOT_OPEN);
        }
    }

    private static BlockDevice open(Invocation call, String name, Option format, CacheMode cache) {
        try {
            return ChainOpener.open(name, Options.request(call, format).withCache(cache));
        } catch (BlockException failure) {
            throw ErrorText.cannotOpen(name, failure, CANNOT_OPEN);
        }
    }

    private static int compare(Invocation call, BlockDevice first, BlockDevice second) {
        try (Progress progress = call.progress()) {
            JobControl control = Disks.control(call, progress);
            int workers = Runtime.getRuntime().availableProcessors();
            Compare.Result result = Compare.run(first, second, call.has(STRICT), workers, control);
            if (first.length() != second.length() && reaches(result, first, second)) {
                say(call, "Warning: Image size mismatch!");
            }
            return report(call, result);
        } catch (Compare.Failure failure) {
            throw failed(call.operands().get(failure.isOf(first) ? 0 : 1), failure);
        }
    }

    /** Tells whether the smaller image was found to be the same to its end. */
    private static boolean reaches(Compare.Result result, BlockDevice first, BlockDevice second) {
        return switch (result) {
            case Compare.Result.Same _ -> true;
            case Compare.Result.ContentDiffers(long offset) ->
                    offset >= Math.min(first.length(), second.length());
            case Compare.Result.SizeDiffers _, Compare.Result.StatusDiffers _ -> false;
        };
    }

    private static int report(Invocation call, Compare.Result result) {
        switch (result) {
            case Compare.Result.Same _ -> say(call, "Images are identical.");
            case Compare.Result.ContentDiffers(long offset) ->
                    say(call, "Content mismatch at offset " + offset + "!");
            case Compare.Result.SizeDiffers _ -> say(call, "Strict mode: Image size mismatch!");
            case Compare.Result.StatusDiffers(long offset) ->
                    say(call, "Strict mode: Offset " + offset + " block status mismatch!");
        }
        return result instanceof Compare.Result.Same ? 0 : 1;
    }

    private static void say(Invocation call, String line) {
        if (!call.has(Options.QUIET)) {
            call.out().print(line + "\n");
        }
    }

    private static CommandException failed(String name, Compare.Failure failure) {
        String why = ErrorText.of(failure.reason());
        return switch (failure.doing()) {
            case ASKING ->
                    new CommandException(
                            "Sector allocation test failed for " + name + ": " + why, CANNOT_ASK);
            case READING ->
                    new CommandException(
                            "Error while reading offset "
                                    + failure.offset()
                                    + " of "
                                    + name
                                    + ": "
                                    + why,
                            CANNOT_READ);
        };
    }
}
