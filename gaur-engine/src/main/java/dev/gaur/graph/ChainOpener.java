package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.filter.CompressAll;
import dev.gaur.filter.CopyOnRead;
import dev.gaur.filter.TemporaryOverlay;
import dev.gaur.format.Compressing;
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
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
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

    private static final String CHAIN = "backing chain";

    private final StorageDriver driver;
    private final OpenRequest request;

    /** How deep the backing file lies that is opened for writing too; 0 for none. */
    private final int alsoWritable;

    private final List<Image> layers = new ArrayList<>();
    private final Set<Object> files = new HashSet<>();

    private ChainOpener(StorageDriver driver, OpenRequest request, int alsoWritable) {
        this.driver = driver;
        this.request = request;
        this.alsoWritable = alsoWritable;
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
        return open(location, OptionTree.EMPTY, request);
    }

    /**
     * The same with options for its node and those below it.
     *
     * @param location the path; empty if the options have it
     * @throws BlockException.Unsupported if the options make no sense, in QEMU's words
     */
    public static BlockDevice open(String location, OptionTree options, OpenRequest request) {
        Layer top = Layer.ofUser(location, options, request);
        return new ChainOpener(FileDriver.fast(), request, 0).openChain(top);
    }

    /**
     * Opens an image as {@link #open(String, OpenRequest)} does, with one of its backing files open
     * for writing if the image is: that layer can be changed. Who changes what the layers above
     * don't hide changes the disk.
     *
     * @param depth which: 1 for the image's own backing file, 0 for none
     */
    public static BlockDevice openWithBase(String location, OpenRequest request, int depth) {
        Layer top = Layer.ofUser(location, OptionTree.EMPTY, request);
        return new ChainOpener(FileDriver.fast(), request, depth).openChain(top);
    }

    /**
     * Opens one image and nothing that it names: for looking at its metadata. Reading its content
     * is refused where that lies in another file. Starts faster than {@link #open}.
     */
    public static Image openAlone(String location, OpenRequest request) {
        StorageDriver driver = request.direct() ? FileDriver.fast() : FileDriver.portable();
        ChainOpener opener = new ChainOpener(driver, request, 0);
        Layer layer = Layer.ofUser(location, OptionTree.EMPTY, request);
        return opener.openImage(opener.source(layer, _ -> {}), new Alone());
    }

    private BlockDevice openChain(Layer top) {
        try {
            References references = openLayer(top);
            ImageSource seen = references.source;
            for (Below below = references.below; below != null; below = references.below) {
                references = openBacking(below.layer());
                below.link().connect(layers.getLast());
            }
            return device(seen);
        } catch (RuntimeException | Error failure) {
            BlockDevice.close(layers); // The first has all that is linked to it.
            throw failure;
        }
    }

    private BlockDevice device(ImageSource seen) {
        Image image = layers.getFirst();
        boolean temporary = request.has(OpenRequest.Extra.TEMPORARY);
        boolean raw = seen.guessed() && seen.format() == RawFormat.INSTANCE;
        DeviceOptions how =
                new DeviceOptions(
                        request.cache().writethrough(),
                        seen.options().discard().unmap(),
                        seen.options().detectZeroes(),
                        raw && image.writable(),
                        Optional.ofNullable(seen.debug().orElse(null)));
        List<String> filters = new ArrayList<>(seen.filters());
        if (request.has(OpenRequest.Extra.COPY_ON_READ)) {
            if (!request.writable()) {
                throw OptionReader.refusal("Can't use copy-on-read on read-only device");
            }
            filters.addFirst("copy-on-read");
        }
        BlockNode top = image;
        for (String filter : filters.reversed()) {
            top = filtered(filter, top, image);
        }
        if (temporary) {
            top = new TemporaryOverlay(top, TemporaryFile.create(driver, top.length()));
        }
        return new BlockDevice(layers, top, how);
    }

    private static BlockNode filtered(String filter, BlockNode below, Image image) {
        if (filter.equals("copy-on-read")) {
            if (!image.writable()) {
                throw new BlockException.Denied("", "", "Block node is read-only");
            }
            return new CopyOnRead(below, Math.max(1, image.info().clusterSize()));
        }
        if (!image.writable() && image.info().format().equals("qcow2")) {
            return below; // Nothing to compress.
        }
        Compressing compressing = image.compressing().orElse(null);
        if (compressing == null) {
            throw OptionReader.refusal(
                    "Compression is not supported for underlying format: " + image.info().format());
        }
        return new CompressAll(below, compressing);
    }

    private References openBacking(Layer layer) {
        try {
            return openLayer(layer);
        } catch (BlockException failure) {
            boolean ofChain = CHAIN.equals(failure.structure());
            // Who asked for a layer to write to has seen already that all can be read.
            boolean named = failure instanceof BlockException.Busy && writesNext();
            if (ofChain || named) {
                throw failure;
            }
            throw BackingFailure.of(failure, layers.size(), layers.getFirst().name());
        }
    }

    private References openLayer(Layer layer) {
        if (layers.size() == DEPTH_MAX) {
            throw new BlockException.Unsupported(
                    layer.location(), CHAIN, "is deeper than " + DEPTH_MAX + " images");
        }
        ImageSource source = source(layer, this::refuseLoop);
        References references = new References(source);
        try {
            Image image = openImage(source, references);
            layers.add(image);
            requireUsed(source, references);
            return references;
        } catch (RuntimeException | Error failure) {
            references.close();
            throw failure;
        }
    }

    /** Refuses options for files that the image does not name, rather than to ignore them. */
    private static void requireUsed(ImageSource source, References references) {
        if (!source.dataFile().isEmpty() && references.dataFile == null) {
            throw OptionReader.refusal(
                    "'data-file' can only be set for images with an external data file");
        }
        if (!source.backing().isEmpty() && references.below == null) {
            throw OptionReader.refusal(
                    "Could not open backing file: the image names none, and to give it one is not"
                            + " supported yet");
        }
    }

    private void refuseLoop(String location) {
        if (!files.add(FileDriver.key(location))) {
            String image = layers.isEmpty() ? location : layers.getLast().name();
            throw new BlockException.Corrupt(
                    image,
                    CHAIN,
                    BlockException.NO_OFFSET,
                    "Backing file '" + location + "' creates an infinite loop.");
        }
    }

    private ImageSource source(Layer layer, Consumer<String> beforeOpen) {
        boolean top = layers.isEmpty();
        FormatOptions options =
                top ? request.options() : new FormatOptions("", request.metadataCacheBytes());
        return ImageSource.open(
                driver, layer, storageOptions(writesNext()), options, request, beforeOpen);
    }

    /** Whether the layer that is opened next is opened for writing. */
    private boolean writesNext() {
        boolean wanted = layers.isEmpty() || layers.size() == alsoWritable;
        return wanted && request.writable() && !request.has(OpenRequest.Extra.TEMPORARY);
    }

    private Image openImage(ImageSource source, ReferenceOpener references) {
        StorageNode storage = source.storage();
        try {
            ImageFormat format = source.format();
            if (format != RawFormat.INSTANCE) {
                prepareForMetadata(storage);
            }
            return format.open(storage, source.options(), references);
        } catch (RuntimeException | Error failure) {
            storage.close();
            throw failure;
        }
    }

    private StorageOptions storageOptions(boolean writable) {
        boolean noFlush = request.cache().noFlush();
        return new StorageOptions(writable, request.direct(), request.shared(), noFlush, true);
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
    private record Below(Layer layer, BackingLink link) {}

    /** Notes what one image names, and opens its data file. */
    private final class References implements ReferenceOpener, AutoCloseable {
        private final ImageSource source;
        private @Nullable Below below;
        private @Nullable StorageNode dataFile;

        References(ImageSource source) {
            this.source = source;
        }

        @Override
        public BlockNode backing(Reference reference) {
            if (source.withoutBacking()) {
                return ZeroNode.INSTANCE;
            }
            if (!request.withBacking()) {
                return new UnopenedNode(reference);
            }
            Layer layer = backingLayer(reference);
            String name = layer.location().isEmpty() ? reference.name() : layer.location();
            BackingLink link = new BackingLink(name);
            below = new Below(layer, link);
            return link;
        }

        /** The user's word counts more than the image's; what the user left out, it says. */
        private Layer backingLayer(Reference reference) {
            OptionTree tree = source.backing();
            boolean located =
                    tree.has("file.filename")
                            || tree.has("file.driver")
                            || StorageTree.DRIVERS.contains(tree.text("driver", ""));
            if (located) {
                return new Layer("", "", tree, false);
            }
            String location = Locations.ofReference(reference, source.location(), request.policy());
            String format = tree.has("driver") ? "" : reference.format();
            return new Layer(location, format, tree, true);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            boolean writable = writesNext();
            OptionTree wanted = source.dataFile();
            if (wanted.isEmpty()) {
                String location =
                        Locations.ofReference(reference, source.location(), request.policy());
                wanted = wanted.with("driver", "file").with("filename", location);
            }
            StorageTree tree = new StorageTree(driver, request.credentials(), _ -> {});
            StorageNode opened = tree.open(wanted, storageOptions(writable));
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
