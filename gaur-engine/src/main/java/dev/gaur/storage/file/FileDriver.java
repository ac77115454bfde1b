package dev.gaur.storage.file;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Files and block devices. Locations are paths.
 *
 * <p>What is opened with locks cannot be opened by a QEMU process that would write to it, and the
 * other way round: {@link BlockException.Busy} names the process that is in the way, if it can be
 * seen.
 */
public final class FileDriver implements StorageDriver {
    private static final FileDriver PORTABLE = new FileDriver(false);
    private static final FileDriver FAST = new FileDriver(true);

    private final boolean mayLink;

    private FileDriver(boolean mayLink) {
        this.mayLink = mayLink;
    }

    /**
     * System calls where native access is allowed, Java's channels elsewhere. Linking the calls
     * costs the process some tens of milliseconds, once.
     */
    public static FileDriver fast() {
        return FAST;
    }

    /**
     * Java's channels, for a short look at a file: nothing is linked, holes are not seen. All of
     * this process's {@linkplain #fast fast} openings of one file should be over before, or begin
     * after, since they drop the locks of these.
     */
    public static FileDriver portable() {
        return PORTABLE;
    }

    @Override
    public StorageNode open(String location, StorageOptions options) {
        Claim claim = options.writable() ? Claim.WRITE : Claim.READ;
        return open(location, options, options.shared() ? Claim.NOTHING : claim);
    }

    /**
     * Tells which file a path leads to.
     *
     * @return equal for all names of one file
     * @throws BlockException.Media if there is none
     */
    public static Object key(String location) {
        try {
            return FileIdentity.of(Path.of(location)).key();
        } catch (InvalidPathException _) {
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, Errno.ENOENT);
        } catch (IOException failure) {
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, failure);
        }
    }

    private StorageNode open(String location, StorageOptions options, Claim claim) {
        boolean writable = options.writable();
        if (location.isEmpty()) { // Java takes it for the current folder.
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, Errno.ENOENT);
        }
        try {
            Path path = Path.of(location);
            FileIdentity identity = FileIdentity.of(path);
            if (identity.kind() == FileIdentity.Kind.OTHER) {
                throw new BlockException.Media(
                        location,
                        "",
                        BlockException.NO_OFFSET,
                        "'file' driver requires '" + location + "' to be a regular file",
                        Errno.EINVAL,
                        null);
            }
            return mayLink && Posix.isAvailable()
                    ? NativeStorage.open(location, identity, options, claim)
                    : openChannel(path, identity, location, writable, claim);
        } catch (InvalidPathException _) {
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, Errno.ENOENT);
        } catch (IOException failure) {
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, failure);
        }
    }

    private static StorageNode openChannel(
            Path path, FileIdentity identity, String location, boolean writable, Claim claim)
            throws IOException {
        SharedFile.User user = SharedFile.open(path, identity, location, writable, claim);
        try {
            return new ChannelStorage(location, identity, user, writable);
        } catch (IOException failure) {
            user.close();
            throw failure;
        }
    }

    /**
     * {@inheritDoc} Nobody else may write to or resize the file while it is open.
     *
     * @throws BlockException.Busy if somebody does already; then the file is as it was
     */
    @Override
    public StorageNode create(String location, long length, StorageOptions options) {
        createFile(location);
        StorageNode storage = open(location, options, Claim.WRITE.exclusive());
        try {
            // Only now that nobody else can be using what was there. If nothing was, truncating
            // would do harm: ext4 takes it for the start of replacing a file, and writes all that
            // comes to the disk when the file is closed.
            if (storage.length() != 0 || Files.size(Path.of(location)) != 0) {
                storage.resize(0);
            }
            if (length != 0) {
                storage.resize(length);
            }
            return storage;
        } catch (IOException failure) {
            storage.close();
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, failure);
        } catch (RuntimeException failure) {
            storage.close();
            throw failure;
        }
    }

    private static void createFile(String location) {
        try {
            Path path = Path.of(location);
            if (!Files.exists(path)) {
                Files.createFile(path);
            }
        } catch (FileAlreadyExistsException _) {
            // Somebody was faster; the locks will tell.
        } catch (InvalidPathException _) {
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, Errno.ENOENT);
        } catch (IOException failure) {
            throw FileErrors.failed(location, "", BlockException.NO_OFFSET, failure);
        }
    }
}
