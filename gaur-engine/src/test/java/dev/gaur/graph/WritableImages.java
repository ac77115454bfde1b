package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2Format;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Makes images in memory that are open for writing, for the contract of all nodes. */
final class WritableImages {
    static final int CLUSTER = 4096;

    private WritableImages() {}

    /** Has the files that images refer to. */
    private record Files(BlockNode base, StorageNode data) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return base;
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            return data;
        }
    }

    static Image image(Qcow2CreateOptions options, byte[] base) {
        MemoryStorage storage = new MemoryStorage("image", 0);
        MemoryStorage data = new MemoryStorage("data", 0);
        ImageCreator.create(
                storage, options.hasDataFile() ? Optional.of(data) : Optional.empty(), options);
        Files files = new Files(new MemoryStorage("base", base), data);
        return Qcow2Format.INSTANCE.open(storage, FormatOptions.DEFAULT, files);
    }

    static BlockNode filled(BlockNode node, byte[] content) {
        node.write(0, MemorySegment.ofArray(content), Durability.CACHED);
        return node;
    }

    static Qcow2CreateOptions options(byte[] content) {
        return Qcow2CreateOptions.ofSize(content.length).withClusterSize(CLUSTER);
    }
}
