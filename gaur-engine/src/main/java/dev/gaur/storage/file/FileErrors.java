package dev.gaur.storage.file;

import dev.gaur.block.BlockException;
import dev.gaur.block.ZeroMode;
import dev.gaur.ffi.Errno;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;

/** Makes our errors of the system's, in the system's words. */
final class FileErrors {
    private static final int EEXIST = 17;

    private FileErrors() {}

    /**
     * @param doing what failed, such as {@code read}; empty for opening
     */
    static BlockException.Media failed(String file, String doing, long offset, int errno) {
        return new BlockException.Media(file, doing, offset, Errno.text(errno), errno, null);
    }

    /** The same for an error that Java found; its text is all that tells the number. */
    static BlockException.Media failed(String file, String doing, long offset, IOException cause) {
        int errno =
                switch (cause) {
                    case NoSuchFileException _ -> Errno.ENOENT;
                    case AccessDeniedException _ -> Errno.EACCES;
                    case FileAlreadyExistsException _ -> EEXIST;
                    case FileSystemException known -> Errno.ofText(text(known.getReason()));
                    default -> Errno.ofText(text(cause.getMessage()));
                };
        return new BlockException.Media(file, doing, offset, Errno.text(errno), errno, cause);
    }

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    /** Somebody cut the file while it was open. */
    static BlockException.Media ended(String file, long offset) {
        return new BlockException.Media(
                file, "read", offset, "the file ends here by now", Errno.EIO, null);
    }

    /** O_DIRECT is asked for where there is none. */
    static BlockException.Media noDirectAccess(String file) {
        return new BlockException.Media(
                file,
                "",
                BlockException.NO_OFFSET,
                "Could not open '" + file + "': filesystem does not support O_DIRECT",
                Errno.EINVAL,
                null);
    }

    /** A request after the end. */
    static BlockException.Denied closed(String file) {
        return new BlockException.Denied(file, "", "is closed");
    }

    /** A change of what was opened for reading. */
    static BlockException.Denied readOnly(String file) {
        return new BlockException.Denied(file, "", "is read-only");
    }

    /** Refuses to write zeros where only a fast way was asked for. */
    static void requireSlowZeros(String file, ZeroMode mode) {
        if (!mode.mayWrite()) {
            throw new BlockException.Unsupported(
                    file, "write zeros", "the file system has no fast way");
        }
    }
}
