package dev.gaur.storage.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Objects;

/**
 * Which file a path leads to, whatever it is called.
 *
 * @param key equal for two names of one file
 * @param inode its number, or -1 where files have none
 * @param kind what sort of file
 */
record FileIdentity(Object key, long inode, Kind kind) {
    /** Sorts of files. */
    enum Kind {
        REGULAR,
        BLOCK_DEVICE,
        /** Directories, pipes, character devices ... */
        OTHER
    }

    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_REGULAR = 0100000;
    private static final int TYPE_BLOCK_DEVICE = 0060000;

    /** Looks at a file, following links. Opens nothing: opening a pipe would block. */
    static FileIdentity of(Path path) throws IOException {
        if (!path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return ofBasic(path);
        }
        Map<String, Object> unix = Files.readAttributes(path, "unix:mode,dev,ino");
        long inode = (Long) Objects.requireNonNull(unix.get("ino"));
        Kind kind =
                switch ((Integer) Objects.requireNonNull(unix.get("mode")) & TYPE_MASK) {
                    case TYPE_REGULAR -> Kind.REGULAR;
                    case TYPE_BLOCK_DEVICE -> Kind.BLOCK_DEVICE;
                    default -> Kind.OTHER;
                };
        return new FileIdentity(unix.get("dev") + ":" + inode, inode, kind);
    }

    private static FileIdentity ofBasic(Path path) throws IOException {
        BasicFileAttributes basic = Files.readAttributes(path, BasicFileAttributes.class);
        Object key = basic.fileKey() != null ? basic.fileKey() : path.toRealPath();
        return new FileIdentity(key, -1, basic.isRegularFile() ? Kind.REGULAR : Kind.OTHER);
    }
}
