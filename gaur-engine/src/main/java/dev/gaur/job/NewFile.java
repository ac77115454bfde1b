package dev.gaur.job;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is whole or not there. It is written under another name in the same folder and gets
 * its own when it is committed. If it is closed before that, or the program is ended by a signal,
 * nothing is left.
 *
 * <p>Where the name is taken already, that very file is written, so that its owner, its rights and
 * all links to it stay, and its locks are respected; if it is not committed, it is left empty. A
 * block device is written as it is, and left with what was written; so is any storage {@linkplain
 * #over that is there already}.
 *
 * <p>Against a loss of power only {@link #commit} with {@code stable} protects: qemu-img does not
 * wait for the disk when it converts, and waiting would take longer than all the rest.
 */
public final class NewFile implements AutoCloseable {
    private final Path target;
    private final Path path;
    private final Undo undo;
    private final StorageNode storage;
    private final Thread onExit = new Thread(this::abandon, "gaur-abandon");
    private boolean open = true;

    /** What is done with a file that was not committed. */
    private enum Undo {
        DELETE,
        EMPTY,
        NOTHING
    }

    private NewFile(Path target, Path path, Undo undo, StorageNode storage) {
        this.target = target;
        this.path = path;
        this.undo = undo;
        this.storage = storage;
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    /**
     * Begins a file.
     *
     * @param driver creates and opens it
     * @param location its path; what is there is lost
     * @throws BlockException if it cannot be made, or somebody else uses it
     */
    public static NewFile begin(StorageDriver driver, String location) {
        return begin(driver, location, StorageOptions.WRITE);
    }

    /** The same, opened as options for writing say. */
    public static NewFile begin(StorageDriver driver, String location, StorageOptions options) {
        Path target = Path.of(location);
        if (Files.isRegularFile(target)) {
            return new NewFile(target, target, Undo.EMPTY, driver.create(location, 0, options));
        }
        if (Files.exists(target)) {
            StorageNode device = driver.open(location, options);
            return new NewFile(target, target, Undo.NOTHING, device);
        }
        Path beside = target.resolveSibling(temporaryName());
        try {
            StorageNode file = driver.create(beside.toString(), 0, options);
            return new NewFile(target, beside, Undo.DELETE, file);
        } catch (BlockException.Media failure) {
            throw new BlockException.Media(
                    location,
                    failure.structure(),
                    failure.offset(),
                    failure.found(),
                    failure.errno(),
                    failure);
        }
    }

    /**
     * Begins what takes the place of all that a storage holds, such as a server's disk.
     *
     * @param storage open for writing; belongs to the result
     */
    public static NewFile over(StorageNode storage) {
        Path nowhere = Path.of("");
        return new NewFile(nowhere, nowhere, Undo.NOTHING, storage);
    }

    private static String temporaryName() {
        return ".gaur-" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    }

    /** Tells whether nothing was there before, so that what is not written reads as zeros. */
    public boolean isNew() {
        return undo != Undo.NOTHING;
    }

    /** Returns the file's storage, opened for writing; it stays this object's to close. */
    public StorageNode storage() {
        return storage;
    }

    /**
     * Ends the file and gives it its name.
     *
     * @param stable wait until its content is safe against a loss of power
     * @throws BlockException if that fails; nothing is left then
     */
    public synchronized void commit(boolean stable) {
        if (stable) {
            storage.flush();
        }
        if (undo == Undo.DELETE) {
            try {
                Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException failure) {
                throw new BlockException.Media(
                        target.toString(), "rename", -1, failure.toString(), 5, failure);
            }
        }
        open = false;
        storage.close();
    }

    /** Undoes what was not committed. */
    @Override
    public void close() {
        abandon();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException _) {
            // The program ends; the hook finds nothing left to do.
        }
    }

    private synchronized void abandon() {
        if (!open) {
            return;
        }
        open = false;
        try {
            switch (undo) {
                case DELETE -> Files.deleteIfExists(path);
                case EMPTY -> storage.resize(0);
                case NOTHING -> {}
            }
        } catch (IOException | BlockException _) {
            // The failure that brought us here says more than this one.
        } finally {
            storage.close();
        }
    }
}
