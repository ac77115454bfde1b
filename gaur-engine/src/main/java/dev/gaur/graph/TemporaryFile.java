package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.StorageDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that nobody else sees, and that is gone when it is closed. */
final class TemporaryFile {
    private static final int EIO = 5;

    private TemporaryFile() {}

    /** Makes one of {@code length} zero bytes, in the system's folder for such files. */
    static StorageNode create(StorageDriver driver, long length) {
        try {
            Path path = Files.createTempFile("gaur-", ".tmp");
            try {
                return driver.create(path.toString(), length);
            } finally {
                Files.delete(path); // It lives as long as it is open.
            }
        } catch (IOException failure) {
            throw new BlockException.Media(
                    "temporary file",
                    "create",
                    BlockException.NO_OFFSET,
                    String.valueOf(failure.getMessage()),
                    EIO,
                    failure);
        }
    }
}
