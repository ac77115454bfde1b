package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import java.util.List;

/** {@code gaur map}: which file each range of a disk is read from. */
final class MapCommand implements Command {
    private static final Option START =
            Option.valued("s", "start-offset", "OFFSET", "begin here; the start of the disk");
    private static final Option LENGTH =
            Option.valued("l", "max-length", "SIZE", "look at no more than this");

    @Override
    public String name() {
        return "map";
    }

    @Override
    public String summary() {
        return "show where an image's data lies";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public List<Option> options() {
        return List.of(
                Options.FORMAT,
                START,
                LENGTH,
                Options.OUTPUT,
                Options.SHARED,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public String details() {
        return """
                The form for people lists data only, and cannot show compressed clusters; the
                JSON form tells all: which layer decides (depth), whether any layer has the range
                (present), whether it reads as zeros, and where in the file it is (offset).""";
    }

    @Override
    public int run(Invocation call) {
        long start = call.size(START, "start offset", 0);
        long count = call.size(LENGTH, "max length", Long.MAX_VALUE);
        String file = call.onlyOperand("Expecting one image file name");
        boolean json = Options.json(call);
        OpenRequest request = Options.request(call, Options.FORMAT);
        try (BlockDevice device = open(file, request)) {
            MapText text =
                    json
                            ? new MapText.Json(call.out(), start, !call.program().isQemu())
                            : new MapText.Human(call.out(), start, device.layers());
            text.begin();
            long rest = Math.min(count, device.length() - start);
            if (rest > 0) {
                device.extents(start, rest, text);
            }
            text.end();
        }
        return 0;
    }

    private static BlockDevice open(String file, OpenRequest request) {
        try {
            return ChainOpener.open(file, request);
        } catch (BlockException e) {
            throw ErrorText.cannotOpen(file, e);
        }
    }
}
