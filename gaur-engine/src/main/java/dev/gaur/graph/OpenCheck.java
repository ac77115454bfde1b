package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Checker;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.RepairMode;
import dev.gaur.format.Repairer;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.util.Optional;

/**
 * A file opened to be checked or repaired, even if it is too damaged to be opened as an image.
 * Backing files and external data files are not opened: nothing of them is checked.
 */
public final class OpenCheck implements AutoCloseable {
    private final StorageNode storage;
    private final ImageFormat format;
    private final Optional<? extends Checker> checker;
    private final Optional<Repairer> repairer;

    private OpenCheck(StorageNode storage, ImageFormat format) {
        this.storage = storage;
        this.format = format;
        this.repairer = storage.writable() ? format.repairer(storage) : Optional.empty();
        this.checker = repairer.isPresent() ? repairer : format.checker(storage);
    }

    /**
     * Opens a file.
     *
     * @param location as in {@link ChainOpener#open}
     * @param request its format, its cache, and whether other programs may be writing; the rest has
     *     no effect
     * @throws BlockException if the file cannot be opened or its header says not what to check
     */
    public static OpenCheck open(String location, OpenRequest request) {
        return open(
                location, request, new StorageOptions(false, request.direct(), request.shared()));
    }

    /**
     * Opens a file to be repaired. Nobody else may write to it until this is closed.
     *
     * @param location as in {@link ChainOpener#open}
     * @param request its format and its cache; the rest has no effect
     * @throws BlockException if the file cannot be opened, somebody uses it, or its header says not
     *     what to repair
     */
    public static OpenCheck openForRepair(String location, OpenRequest request) {
        return open(location, request, StorageOptions.WRITE.withDirect(request.direct()));
    }

    private static OpenCheck open(String location, OpenRequest request, StorageOptions options) {
        StorageDriver driver = options.direct() ? FileDriver.fast() : FileDriver.portable();
        Layer layer = Layer.ofUser(location, OptionTree.EMPTY, request);
        ImageSource source =
                ImageSource.open(driver, layer, options, request.options(), request, _ -> {});
        StorageNode storage = source.storage();
        try {
            if (options.writable()) {
                storage.excludeWriters(); // Before the header is read.
            }
            return new OpenCheck(storage, source.format());
        } catch (RuntimeException | Error failure) {
            storage.close();
            throw failure;
        }
    }

    /** Returns the name of the file's format. */
    public String format() {
        return format.name();
    }

    /** Tells whether the format has anything to check. */
    public boolean canCheck() {
        return checker.isPresent();
    }

    /**
     * Checks the image. Blocks.
     *
     * @throws IllegalStateException if the format cannot be checked
     */
    public CheckReport check(CheckListener listener) {
        return checker.orElseThrow(() -> new IllegalStateException("no checker for " + format()))
                .check(listener);
    }

    /**
     * Repairs the image. Blocks.
     *
     * @throws IllegalStateException if the format cannot be repaired, or this was not opened for it
     */
    public CheckReport repair(RepairMode mode, CheckListener listener) {
        return repairer.orElseThrow(() -> new IllegalStateException("no repairer of " + format()))
                .repair(mode, listener);
    }

    @Override
    public void close() {
        storage.close();
    }
}
