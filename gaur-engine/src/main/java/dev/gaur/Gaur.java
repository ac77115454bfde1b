package dev.gaur;

import dev.gaur.format.InspectionReport;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.Credentials;
import dev.gaur.graph.Inspector;
import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.nbd.NbdAddress;
import java.net.URI;
import java.nio.file.Path;

/**
 * Where to start: opens disk images. All methods may be called by any thread.
 *
 * <p>Failures are {@link dev.gaur.block.BlockException}s, which name image, structure and place.
 */
public final class Gaur {
    private Gaur() {}

    /**
     * Opens an image for reading, with {@link OpenOptions#DEFAULT}: its format is found out, and if
     * it refers to other files (a backing file, an external data file) it is refused.
     *
     * @param path the file or block device
     * @return the disk; to be closed by the caller
     * @throws dev.gaur.block.BlockException.Media if the file is not there or cannot be read
     * @throws dev.gaur.block.BlockException.Busy if another process writes to it
     * @throws dev.gaur.block.BlockException.Denied if it refers to other files
     * @throws dev.gaur.block.BlockException.Corrupt if it contradicts its format
     * @throws dev.gaur.block.BlockException.Unsupported if it needs what Gaur cannot do
     */
    public static DiskImage open(Path path) {
        return open(path, OpenOptions.DEFAULT);
    }

    /**
     * Opens an image. Changes no byte of it, even when opened for writing.
     *
     * @param path the file or block device
     * @param options how
     * @return the disk; to be closed by the caller
     * @throws dev.gaur.block.BlockException as {@link #open(Path)} does
     */
    public static DiskImage open(Path path, OpenOptions options) {
        return open(location(path), options);
    }

    /**
     * Opens an image that an NBD server holds, or a file.
     *
     * @param uri such as {@code nbd://host:port/export}, {@code nbd+unix:///export?socket=PATH},
     *     with {@code nbds} for TLS, or {@code file:///path}
     * @param options how; past the page cache only means something for files
     * @return the disk; to be closed by the caller
     * @throws dev.gaur.block.BlockException as {@link #open(Path)} does
     */
    public static DiskImage open(URI uri, OpenOptions options) {
        if ("file".equals(uri.getScheme())) {
            return open(Path.of(uri), options);
        }
        NbdAddress.parse(uri.toString()); // Refuses all else: it must not look like a path.
        return open(uri.toString(), options);
    }

    private static DiskImage open(String location, OpenOptions options) {
        OpenRequest request =
                OpenRequest.READ
                        .withFormat(options.format())
                        .withWritable(options.writable())
                        .withShared(options.shared())
                        .withSnapshot(options.snapshot())
                        .withMetadataCacheBytes(options.metadataCacheBytes())
                        .withCowCacheBytes(options.cowCacheBytes())
                        .withPolicy(options.policy())
                        .withCredentials(credentials(options))
                        .withCache(options.direct() ? CacheMode.NONE : CacheMode.WRITEBACK);
        return new DiskImage(ChainOpener.open(location, request));
    }

    private static Credentials credentials(OpenOptions options) {
        return options.tls()
                .<Credentials>map(tls -> (_, host) -> tls.forClient(host))
                .orElse(Credentials.NONE);
    }

    /** The path as a location: a name such as {@code a:b} must not look like a protocol. */
    private static String location(Path path) {
        String name = path.toString();
        return name.indexOf(':') >= 0 && !path.isAbsolute() ? "./" + name : name;
    }

    /**
     * Looks at a file from an untrusted source: tells its format, what it refers to, and everything
     * that speaks against using it. Opens nothing but this file, changes nothing, takes no lock,
     * reads a few megabytes at most and ends within a second, whatever the file claims.
     *
     * @throws dev.gaur.block.BlockException.Media if the file cannot be opened or read
     */
    public static InspectionReport inspect(Path file) {
        return Inspector.inspect(file);
    }
}
