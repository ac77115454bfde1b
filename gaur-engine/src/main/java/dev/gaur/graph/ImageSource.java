package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.filter.BlkDebug;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.raw.RawFormat;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What one image is opened from: its storage, its format and what that is told. The storage belongs
 * to whoever made this, until the format has it.
 *
 * @param storage where the image lies
 * @param location the path of its file, empty if it has none
 * @param format found or stated
 * @param guessed whether the format was found by probing
 * @param options what the format is told
 * @param backing the options of its backing file
 * @param withoutBacking it must have none, whatever it names
 * @param dataFile the options of its data file, empty for what it names
 * @param filters the drivers above it, the uppermost first
 * @param debug what tests control it with
 */
record ImageSource(
        StorageNode storage,
        String location,
        ImageFormat format,
        boolean guessed,
        FormatOptions options,
        OptionTree backing,
        boolean withoutBacking,
        OptionTree dataFile,
        List<String> filters,
        Optional<BlkDebug> debug) {
    private static final int CLUSTER_BITS_AT = 20;
    private static final List<String> FILTERS = List.of("copy-on-read", "compress");

    /**
     * Opens the storage of an image.
     *
     * @param how the storage is opened unless the options say otherwise
     * @param base what the format is told unless the options say otherwise
     * @param request has what concerns all its files
     * @param beforeOpen is told the path of the file, and may refuse it
     */
    static ImageSource open(
            StorageDriver files,
            Layer layer,
            StorageOptions how,
            FormatOptions base,
            OpenRequest request,
            Consumer<String> beforeOpen) {
        if (layer.ofImage() && !layer.format().isEmpty()) {
            Formats.named(layer.format(), layer.location()); // Never a driver of another kind.
        }
        List<String> filters = new ArrayList<>();
        OptionReader options = belowFilters(new OptionReader(layer.options()), filters);
        NodeOptions node = NodeOptions.read(options);
        requireAccess(node, how);
        StorageTree tree = new StorageTree(files, request.credentials(), beforeOpen);
        tree.setNativeAio(request.has(OpenRequest.Extra.NATIVE_AIO));
        StorageNode storage = openStorage(layer, options, node.storage(how), tree);
        try {
            return describe(layer, options, node, base, storage, tree, filters);
        } catch (RuntimeException | Error failure) {
            storage.close();
            throw failure;
        }
    }

    private static OptionReader belowFilters(OptionReader top, List<String> filters) {
        OptionReader options = top;
        String driver = options.text("driver", "");
        while (FILTERS.contains(driver)) {
            filters.add(driver);
            NodeOptions.read(options);
            if (options.has("bottom")) {
                throw OptionReader.refusal(
                        "Bottom node '" + options.text("bottom", "") + "' not found");
            }
            OptionTree child = options.child("file");
            options.endOfFormat(driver);
            if (child.isEmpty()) {
                throw OptionReader.refusal("A block device must be specified for \"file\"");
            }
            options = new OptionReader(child.has("driver") ? child : child.with("driver", "file"));
            driver = options.text("driver", "");
        }
        return options;
    }

    private static void requireAccess(NodeOptions node, StorageOptions how) {
        if (how.writable() && node.readOnly().orElse(false)) {
            throw new BlockException.Denied("", "", "Block node is read-only");
        }
        if (how.writable() && node.forceShare().orElse(how.shared())) {
            throw OptionReader.refusal("force-share=on can only be used with read-only images");
        }
    }

    private static StorageNode openStorage(
            Layer layer, OptionReader options, StorageOptions how, StorageTree tree) {
        String driver = options.text("driver", "");
        if (StorageTree.DRIVERS.contains(driver)) {
            OptionTree own = options.rest().with("driver", driver);
            boolean named = !layer.location().isEmpty();
            return tree.open(named ? own.with("filename", layer.location()) : own, how);
        }
        if (!driver.isEmpty()) {
            Formats.named(driver, layer.location()); // Refuses what is unknown.
        }
        if (!layer.location().isEmpty()) {
            OptionTree file = options.child("file").with("filename", layer.location());
            return tree.open(layer.ofImage() ? file.with("driver", "file") : file, how);
        }
        if (driver.isEmpty() && !options.has("file") && options.isWithoutChild("file")) {
            throw OptionReader.refusal("Must specify either driver or file");
        }
        return tree.openChild(options, "file", how);
    }

    private static ImageSource describe(
            Layer layer,
            OptionReader options,
            NodeOptions node,
            FormatOptions base,
            StorageNode storage,
            StorageTree tree,
            List<String> filters) {
        String driver = options.text("driver", "");
        boolean guessed = driver.isEmpty();
        boolean isStorage = StorageTree.DRIVERS.contains(driver);
        ImageFormat format =
                guessed
                        ? Formats.probed(storage)
                        : isStorage ? RawFormat.INSTANCE : Formats.named(driver, layer.location());
        FormatOptions told =
                base.withDiscard(node.discard(base.discard()))
                        .withDetectZeroes(node.detectZeroes().orElse(base.detectZeroes()));
        StorageNode part = storage;
        OptionTree backing = OptionTree.EMPTY;
        OptionTree dataFile = OptionTree.EMPTY;
        boolean withoutBacking = false;
        if (format == RawFormat.INSTANCE && !isStorage) {
            part = StorageTree.part(options, storage);
        } else if (!isStorage) {
            withoutBacking = takesNoBacking(options);
            backing = options.child("backing");
            dataFile = dataFile(options);
            long clusterSize =
                    options.has(FormatOptionReader.ENTRY_SIZE) ? clusterSize(storage) : 0;
            told = FormatOptionReader.qcow2(options, told, clusterSize);
        }
        if (!isStorage) {
            options.endOfFormat(format.name());
        }
        return new ImageSource(
                part,
                tree.location(),
                format,
                guessed,
                told,
                backing,
                withoutBacking,
                dataFile,
                filters,
                Optional.ofNullable(tree.debug()));
    }

    /** Returns what the header says, which nobody has checked yet. */
    private static long clusterSize(StorageNode storage) {
        byte[] head = new byte[CLUSTER_BITS_AT + 4];
        if (storage.length() < head.length) {
            return 0;
        }
        storage.read(0, head, 0, head.length);
        int bits = ByteBuffer.wrap(head).getInt(CLUSTER_BITS_AT);
        return bits >= 0 && bits < Long.SIZE - 1 ? 1L << bits : 0;
    }

    private static boolean takesNoBacking(OptionReader options) {
        if (options.takeNull("backing")) {
            return true;
        }
        boolean given = options.has("backing");
        String reference = options.text("backing", "");
        if (!reference.isEmpty()) {
            throw OptionReader.refusal(
                    "Could not open backing file: Cannot find device='%s' nor node-name='%s'"
                            .formatted(reference, reference));
        }
        return given;
    }

    private static OptionTree dataFile(OptionReader options) {
        String reference = options.text("data-file", "");
        if (!reference.isEmpty()) {
            throw OptionReader.refusal(
                    "Cannot find device='%s' nor node-name='%s'".formatted(reference, reference));
        }
        return options.child("data-file");
    }
}
