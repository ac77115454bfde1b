package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.export.DiskPart;
import dev.gaur.export.Export;
import dev.gaur.export.StatusContext;
import dev.gaur.format.DiscardOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The image that {@code gaur nbd} exports. */
final class NbdImage {
    private static final long SECTOR = 512;

    private NbdImage() {}

    /** Opens the image, which belongs to the service then, and makes the export of it. */
    static Export open(Invocation call, NbdSettings settings, Service service) {
        String file = call.operands().getFirst();
        OpenRequest request = request(call, settings);
        if (call.has(NbdCommand.LOAD)) {
            request = request.withSnapshot(snapshot(call, file, request));
        }
        BlockDevice disk = open(file, request);
        service.own(disk);
        if (disk.isGuessedRaw()) {
            call.err().print(ChangedImage.guessedRaw(file) + "\n");
            call.err().flush();
        }
        return export(call, settings, disk);
    }

    private static OpenRequest request(Invocation call, NbdSettings settings) {
        boolean readOnly = call.has(NbdCommand.READ_ONLY) || call.has(NbdCommand.LOAD);
        OpenRequest request =
                OpenRequest.READ
                        .withFormat(call.value(NbdCommand.FORMAT, ""))
                        .withImageOpts(call.has(Options.IMAGE_OPTS))
                        .withCredentials(UserObjects.of(call))
                        .withWritable(!readOnly)
                        .withCache(settings.cache())
                        .with(OpenRequest.Extra.NATIVE_AIO, settings.isNativeAio())
                        .with(OpenRequest.Extra.TEMPORARY, call.has(NbdCommand.TEMPORARY));
        DiscardOptions discard = settings.unmap() ? DiscardOptions.DEFAULT : DiscardOptions.IGNORE;
        return request.withOptions(
                request.options().withDiscard(discard).withDetectZeroes(settings.detectZeroes()));
    }

    private static BlockDevice open(String file, OpenRequest request) {
        try {
            return ChainOpener.open(file, request);
        } catch (BlockException failure) {
            boolean folder = Files.isDirectory(Path.of(file));
            String why =
                    folder && request.writable() // The system refuses; else we have to.
                            ? "Could not open '" + file + "': Is a directory"
                            : ErrorText.whyNotOpen(failure);
            throw new CommandException("Failed to blk_new_open '" + file + "': " + why);
        }
    }

    private static String snapshot(Invocation call, String file, OpenRequest request) {
        NbdSnapshot wanted = NbdSnapshot.of(call, call.value(NbdCommand.LOAD, ""));
        try (BlockDevice disk = open(file, request)) {
            String format = disk.image().info().format();
            if (!format.equals("qcow2")) {
                throw new CommandException(
                        "Failed to load snapshot: Block format '"
                                + format
                                + "' used by device '' does not support temporarily loading"
                                + " internal snapshots");
            }
            return wanted.find(disk.image().info().snapshots());
        }
    }

    private static Export export(Invocation call, NbdSettings settings, BlockDevice disk) {
        long start = settings.offset();
        if (start > disk.length()) {
            throw new CommandException(
                    "Offset ("
                            + start
                            + ") cannot be greater than size of the containing file ("
                            + disk.length()
                            + ")");
        }
        long length = (disk.length() - start) / SECTOR * SECTOR;
        BlockIo served = length == disk.length() ? disk : new DiskPart(disk, start, length);
        List<StatusContext> contexts = ExportContexts.basic(call.has(NbdCommand.DEPTH));
        for (String bitmap : call.values(NbdCommand.BITMAP)) {
            contexts.add(new ExportContexts(disk, start).bitmap(bitmap));
        }
        return Export.of(call.value(NbdCommand.NAME, ""), served)
                .withDescription(call.value(NbdCommand.DESCRIPTION, ""))
                .withWritable(disk.writable() && !call.has(NbdCommand.READ_ONLY))
                .withContexts(contexts);
    }
}
