package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.raw.RawFormat;
import dev.gaur.storage.Reference;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Opens images, each with its backing files down to the base. Formats are told from the content
 * unless somebody states them. What an image names is opened only after the request's policy let it
 * pass (invariant Q12), and nothing is changed by opening (Q11).
 *
 * <p>If anything fails, all that was opened is closed again.
 */
public final class ChainOpener {
    /**
     * The deepest chain. QEMU has no limit; but each layer takes a file descriptor, of which a
     * process usually has 1024, and a chain that goes on and on is more likely an attack.
     */
    public static final int DEPTH_MAX = 1000;

    private final StorageDriver driver;
    private final OpenRequest request;
    private final List<Image> layers = new ArrayList<>();
    private final Set<Object> files = new HashSet<>();

    private ChainOpener(StorageDriver driver, OpenRequest request) {
        this.driver = driver;
        this.request = request;
    }

    /**
     * Opens an image with all that belongs to it.
     *
     * @param location the path of the image, perhaps with {@code file:} before it
     * @throws BlockException.Busy if another process writes to one of the files
     * @throws BlockException.Denied if the policy forbids to open what an image names
     * @throws BlockException if a file is missing, damaged or not supported
     */
    public static BlockDevice open(String location, OpenRequest request) {
        return new ChainOpener(FileDriver.fast(), request).openChain(Locations.ofUser(location));
    }

    /**
     * Opens one image and nothing that it names: for looking at its metadata. Reading its content
     * is refused where that lies in another file. Starts faster than {@link #open}.
     */
    public static Image openAlone(String location, OpenRequest request) {
        ChainOpener opener = new ChainOpener(FileDriver.portable(), request);
        return opener.openImage(Locations.ofUser(location), request.format(), new Alone());
    }

    private BlockDevice openChain(String location) {
        try {
            References references = openLayer(location, request.format());
            for (Below below = references.below; below != null; below = references.below) {
                references = openLayer(below.location(), below.format());
                below.link().connect(layers.getLast());
            }
            return new BlockDevice(layers);
        } catch (RuntimeException | Error failure) {
            BlockDevice.close(layers); // The first has all that is linked to it.
            throw failure;
        }
    }

    private References openLayer(String location, String format) {
        if (layers.size() == DEPTH_MAX) {
            throw new BlockException.Unsupported(
                    location, "backing chain", "is deeper than " + DEPTH_MAX + " images");
        }
        if (!files.add(FileDriver.key(location))) {
            throw new BlockException.Corrupt(
                    layers.getLast().name(),
                    "backing file",
                    BlockException.NO_OFFSET,
                    "Backing file '" + location + "' creates an infinite loop.");
        }
        References references = new References(location);
        try {
            layers.add(openImage(location, format, references));
            return references;
        } catch (RuntimeException | Error failure) {
            references.close();
            throw failure;
        }
    }

    private Image openImage(String location, String formatName, ReferenceOpener references) {
        boolean top = layers.isEmpty();
        boolean writable = top && request.writable();
        StorageNode storage = driver.open(location, storageOptions(writable));
        try {
            ImageFormat format =
                    formatName.isEmpty()
                            ? Formats.probed(storage)
                            : Formats.named(formatName, location);
            if (format != RawFormat.INSTANCE) {
                prepareForMetadata(storage);
            }
            FormatOptions options =
                    top ? request.options() : new FormatOptions("", request.metadataCacheBytes());
            return format.open(storage, options, references);
        } catch (RuntimeException | Error failure) {
            storage.close();
            throw failure;
        }
    }

    private StorageOptions storageOptions(boolean writable) {
        return new StorageOptions(
                writable, request.direct(), request.shared(), request.cache().noFlush(), true);
    }

    private void prepareForMetadata(StorageNode storage) {
        if (!request.shared()) {
            storage.excludeWriters();
        }
    }

    /**
     * The image to be opened next.
     *
     * @param link where it goes
     */
    private record Below(String location, String format, BackingLink link) {}

    /** Notes what one image names, and opens its data file. */
    private final class References implements ReferenceOpener, AutoCloseable {
        private final String imageLocation;
        private @Nullable Below below;
        private @Nullable StorageNode dataFile;

        References(String imageLocation) {
            this.imageLocation = imageLocation;
        }

        @Override
        public BlockNode backing(Reference reference) {
            if (!request.withBacking()) {
                return new UnopenedNode(reference);
            }
            String location = Locations.ofReference(reference, imageLocation, request.policy());
            BackingLink link = new BackingLink(location);
            below = new Below(location, reference.format(), link);
            return link;
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            String location = Locations.ofReference(reference, imageLocation, request.policy());
            boolean writable = layers.isEmpty() && request.writable();
            StorageNode opened = driver.open(location, storageOptions(writable));
            dataFile = opened;
            return opened;
        }

        /** For an image that could not be opened and so owns nothing. */
        @Override
        public void close() {
            if (dataFile != null) {
                dataFile.close();
            }
        }
    }

    /** Opens nothing. */
    private static final class Alone implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return new UnopenedNode(reference);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            return new UnopenedNode(reference);
        }
    }
}
