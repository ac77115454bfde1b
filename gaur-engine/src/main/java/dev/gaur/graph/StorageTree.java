package dev.gaur.graph;

import dev.gaur.block.StorageNode;
import dev.gaur.filter.BlkDebug;
import dev.gaur.filter.CarelessStorage;
import dev.gaur.filter.NullStorage;
import dev.gaur.filter.SlicedStorage;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.nbd.NbdDriver;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Opens storage as a tree of options describes it: drivers of storage above each other, a file or
 * nothing at the bottom. For one thread and one tree.
 */
final class StorageTree {
    /** Drivers that are storage by themselves, without a format. */
    static final List<String> DRIVERS =
            List.of("file", "host_device", "null-co", "null-aio", "blkdebug", "nbd");

    private static final int SECTOR = 512;

    private final StorageDriver files;
    private final Credentials credentials;
    private final Consumer<String> beforeOpen;
    private boolean nativeAio;
    private String location = "";
    private @Nullable BlkDebug debug;

    /**
     * @param files opens the files
     * @param credentials for servers
     * @param beforeOpen is told the path of the file, and may refuse it
     */
    StorageTree(StorageDriver files, Credentials credentials, Consumer<String> beforeOpen) {
        this.files = files;
        this.credentials = credentials;
        this.beforeOpen = beforeOpen;
    }

    /** Makes {@code aio=native} what files have unless told otherwise. */
    void setNativeAio(boolean isNative) {
        nativeAio = isNative;
    }

    /** Returns the path of the file at the bottom, empty if there is none. */
    String location() {
        return location;
    }

    /** Returns the node that tests control, if there is one. */
    @Nullable BlkDebug debug() {
        return debug;
    }

    /**
     * Opens the child {@code name} of a node.
     *
     * @param parent the options of the node
     */
    StorageNode openChild(OptionReader parent, String name, StorageOptions inherited) {
        OptionTree child = parent.child(name);
        String reference = parent.text(name, "");
        if (!reference.isEmpty()) {
            throw OptionReader.refusal(
                    child.isEmpty()
                            ? "Cannot find device='%s' nor node-name='%s'"
                                    .formatted(reference, reference)
                            : "Cannot reference an existing block device with additional options or"
                                    + " a new filename");
        }
        if (child.isEmpty()) {
            throw OptionReader.refusal("A block device must be specified for \"" + name + "\"");
        }
        return open(child, inherited);
    }

    /** Opens what a tree describes. */
    StorageNode open(OptionTree given, StorageOptions inherited) {
        OptionTree tree = given.has("driver") ? given : Protocols.resolve(given);
        OptionReader options = new OptionReader(tree);
        String driver = options.text("driver", "file");
        StorageOptions how = NodeOptions.read(options).storage(inherited);
        return switch (driver) {
            case "file", "host_device" -> file(options, driver, how);
            case "null-co", "null-aio" -> nothing(options, driver, how);
            case "blkdebug" -> debug(options, how);
            case "nbd" -> server(options, how);
            case "raw" -> part(options, how);
            default -> throw OptionReader.refusal("Unknown driver '" + driver + "'");
        };
    }

    private StorageNode file(OptionReader options, String driver, StorageOptions inherited) {
        String name = options.text("filename", "");
        String locking = options.word("locking", "auto", "auto", "on", "off");
        String aio =
                options.word(
                        "aio", nativeAio ? "native" : "threads", "threads", "native", "io_uring");
        options.flag("drop-cache");
        options.flag("x-check-cache-dropped");
        options.number("aio-max-batch", 0);
        if (options.has("pr-manager")) {
            throw OptionReader.refusal(
                    "No persistent reservation manager with id '%s'"
                            .formatted(options.text("pr-manager", "")));
        }
        options.endOfProtocol(driver);
        if (name.isEmpty()) {
            throw OptionReader.refusal("The 'file' block driver requires a file name");
        }
        if (aio.equals("native") && !inherited.direct()) {
            throw OptionReader.refusal(
                    "aio=native was specified, but it requires cache.direct=on, which was not"
                            + " specified.");
        }
        location = name;
        beforeOpen.accept(location);
        return openFile(location, inherited.withLocking(!locking.equals("off")));
    }

    private StorageNode openFile(String path, StorageOptions how) {
        return careless(files.open(path, how), how);
    }

    private static StorageNode careless(StorageNode storage, StorageOptions how) {
        return how.noFlush() || !how.locking()
                ? new CarelessStorage(storage, !how.noFlush(), how.locking())
                : storage;
    }

    /** An export of an NBD server, which only users can name. */
    private StorageNode server(OptionReader options, StorageOptions how) {
        NbdOptions read = NbdOptions.read(options, credentials);
        return careless(new NbdDriver(read.client()).open(read.address(), how), how);
    }

    private static StorageNode nothing(OptionReader options, String driver, StorageOptions how) {
        options.text("filename", "");
        long size = options.size("size", NullStorage.DEFAULT_SIZE);
        long latency = options.number("latency-ns", 0);
        options.flag("read-zeroes");
        options.endOfProtocol(driver);
        return new NullStorage(driver + "://", size, latency, how.writable());
    }

    private StorageNode debug(OptionReader options, StorageOptions how) {
        DebugRules rules = DebugRules.read(options);
        StorageNode below = openChild(options, "image", how);
        try {
            options.endOfProtocol("blkdebug");
            BlkDebug node = new BlkDebug(below, rules.all());
            debug = node;
            return node;
        } catch (RuntimeException | Error failure) {
            below.close();
            throw failure;
        }
    }

    private StorageNode part(OptionReader options, StorageOptions how) {
        StorageNode below = openChild(options, "file", how);
        try {
            StorageNode part = part(options, below);
            options.endOfFormat("raw");
            return part;
        } catch (RuntimeException | Error failure) {
            below.close();
            throw failure;
        }
    }

    /** Returns the part of a storage that the options of the raw driver describe. */
    static StorageNode part(OptionReader options, StorageNode below) {
        boolean sized = options.has("size");
        long offset = options.size("offset", 0);
        long size = options.size("size", SlicedStorage.TO_THE_END);
        long length = below.length();
        if (offset > length) {
            throw OptionReader.refusal(
                    "Offset (%d) cannot be greater than size of the containing file (%d)"
                            .formatted(offset, length));
        }
        if (sized && size > length - offset) {
            throw OptionReader.refusal(
                    "The sum of offset (%d) and size (%d) has to be smaller or equal to the  actual"
                                    .formatted(offset, size)
                            + " size of the containing file (%d)".formatted(length));
        }
        if (sized && size % SECTOR != 0) {
            throw OptionReader.refusal("Specified size is not multiple of 512");
        }
        return offset == 0 && !sized ? below : new SlicedStorage(below, offset, size);
    }
}
