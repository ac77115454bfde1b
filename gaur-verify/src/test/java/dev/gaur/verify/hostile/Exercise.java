package dev.gaur.verify.hostile;

import dev.gaur.block.BlockException;
import dev.gaur.block.Extent;
import dev.gaur.cli.Cli;
import dev.gaur.format.CheckListener;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Does with an image everything that Gaur can do without changing it. Each step ends well or with a
 * {@link BlockException} that says something; anything else comes out as an {@link AssertionError}
 * that names the step.
 */
final class Exercise {
    /** How a step ended that found nothing wrong. */
    static final String FINE = "fine";

    private static final int PIECE = 256 << 10;
    private static final int EXTENTS_MOST = 10_000;
    private static final int EXTENTS_READ = 64;

    private final Path image;
    private final Path scratch;
    private final Map<String, String> outcome = new LinkedHashMap<>();

    private Exercise(Path image, Path scratch) {
        this.image = image;
        this.scratch = scratch;
    }

    /** One thing to do. */
    private interface Step {
        void run();
    }

    /** Opens the active state of an image and its whole chain. */
    static BlockDevice open(Path image) {
        return ChainOpener.open(image.toString(), request());
    }

    private static OpenRequest request() {
        return OpenRequest.READ.withFormat("qcow2");
    }

    /**
     * Does everything.
     *
     * @param scratch a file that may be overwritten
     * @return for each step, {@link #FINE} or the message of its error
     */
    static Map<String, String> all(Path image, Path scratch) {
        Exercise exercise = new Exercise(image, scratch);
        exercise.library();
        exercise.commands();
        return exercise.outcome;
    }

    /** Does what {@link #all} does, but for the commands, which take ten times as long. */
    static Map<String, String> byLibrary(Path image, Path scratch) {
        Exercise exercise = new Exercise(image, scratch);
        exercise.library();
        return exercise.outcome;
    }

    private void library() {
        List<String> snapshots = new ArrayList<>();
        step(
                "alone",
                () -> {
                    try (Image alone = ChainOpener.openAlone(image.toString(), request())) {
                        ImageInfo info = alone.info();
                        info.snapshots().stream().map(SnapshotInfo::id).forEach(snapshots::add);
                        alone.checker().ifPresent(checker -> checker.check(CheckListener.NONE));
                    }
                });
        step("open", () -> open(image).close());
        step(
                "read",
                () -> {
                    try (BlockDevice device = open(image)) {
                        readMuch(device);
                    }
                });
        for (String id : snapshots.subList(0, Math.min(3, snapshots.size()))) {
            step(
                    "snapshot " + id,
                    () -> {
                        OpenRequest request = request().withSnapshot(id);
                        try (BlockDevice device = ChainOpener.open(image.toString(), request)) {
                            readMuch(device);
                        }
                    });
        }
    }

    /** Beginning and end of the disk, and both ends of the first extents with data. */
    private static void readMuch(BlockDevice device) {
        List<Extent> withData = new ArrayList<>();
        int[] seen = new int[1];
        BlockException[] failed = new BlockException[1];
        try {
            device.extents(
                    0,
                    device.length(),
                    extent -> {
                        if (!extent.readsAsZero() && withData.size() < EXTENTS_READ) {
                            withData.add(extent);
                        }
                        return ++seen[0] < EXTENTS_MOST;
                    });
        } catch (BlockException e) {
            failed[0] = e; // Reading has to cope with the same damage.
        }
        MemorySegment buffer = MemorySegment.ofArray(new byte[PIECE]);
        read(device, buffer, 0);
        read(device, buffer, Math.max(0, device.length() - PIECE));
        for (Extent extent : withData) {
            read(device, buffer, extent.offset());
            read(device, buffer, Math.max(0, extent.end() - PIECE));
        }
        if (failed[0] != null) {
            throw failed[0];
        }
    }

    private static void read(BlockDevice device, MemorySegment buffer, long offset) {
        long length = Math.min(buffer.byteSize(), device.length() - offset);
        MemorySegment target = buffer.asSlice(0, length);
        device.tryRead(offset, target);
        device.read(offset, target);
    }

    private void commands() {
        command("info", "--output=json", image);
        command("info", image);
        command("info", "--advice", image);
        command("inspect", image);
        command("map", "--output=json", "--max-length=64M", image);
        command("measure", "-O", "qcow2", image);
        convert("raw");
        convert("qcow2");
    }

    private void convert(String format) {
        command("convert", "-O", format, image, scratch);
        try {
            Files.deleteIfExists(scratch);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The command line turns every error into an exit code; what it prints tells bugs apart. */
    private void command(String name, Object... arguments) {
        Object[] all = new Object[arguments.length + 1];
        all[0] = name;
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        Peers.Result result = Cli.gaur(all);
        if (result.err().contains("internal error") || result.err().contains("out of memory")) {
            throw new AssertionError("step " + name + ": " + result);
        }
        if (result.status() != 0 && result.err().isBlank() && result.out().isBlank()) {
            throw new AssertionError("step " + name + " says nothing: " + result);
        }
        outcome.put(name, result.status() == 0 ? FINE : result.err());
    }

    private void step(String name, Step step) {
        try {
            step.run();
            outcome.put(name, FINE);
        } catch (BlockException e) {
            String message = String.valueOf(e.getMessage());
            if (message.isBlank() || message.contains("null")) {
                throw new AssertionError("step " + name + " fails without saying why", e);
            }
            outcome.put(name, message);
        } catch (Throwable e) {
            throw new AssertionError("step " + name + " of " + image, e);
        }
    }
}
