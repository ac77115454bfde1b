package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Chains of images in memory, every layer open for writing. */
public final class MemoryChain {
    private MemoryChain() {}

    /**
     * Opens a chain.
     *
     * @param storages from the image that is seen to the base; formats are found out. Closing the
     *     device closes them: wrap what is to be looked at later
     */
    public static BlockDevice open(List<? extends StorageNode> storages) {
        List<Image> layers = new ArrayList<>();
        for (StorageNode storage : storages.reversed()) {
            Optional<Image> below =
                    layers.isEmpty() ? Optional.empty() : Optional.of(layers.getFirst());
            layers.addFirst(
                    Formats.probed(storage).open(storage, FormatOptions.DEFAULT, new Below(below)));
        }
        return new BlockDevice(layers);
    }

    /** The lower part of an open chain, as a device of its own; not to be closed. */
    public static BlockDevice from(BlockDevice device, int depth) {
        return new BlockDevice(device.layers().subList(depth, device.layers().size()));
    }

    private record Below(Optional<Image> image) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return image.orElseThrow();
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }
    }

    /** Makes an empty image. */
    public static MemoryStorage create(String name, Qcow2CreateOptions options) {
        MemoryStorage storage = new MemoryStorage(name, 0);
        ImageCreator.create(storage, Optional.empty(), options);
        return storage;
    }

    /** Makes a copy with another life. */
    public static MemoryStorage copy(MemoryStorage storage) {
        byte[] bytes = TestBytes.read(storage, 0, (int) storage.length());
        return new MemoryStorage(storage.name(), bytes);
    }

    /** Writes, zeroes and discards at random; some clusters become compressed ones. */
    public static void scribble(BlockDevice device, Random random, int requests) {
        int size = (int) device.length();
        for (int i = 0; i < requests; i++) {
            int offset = random.nextInt(size);
            int length = random.nextInt(size - offset + 1) >>> random.nextInt(10);
            MemorySegment bytes = MemorySegment.ofArray(TestBytes.patchy(random, length));
            switch (random.nextInt(5)) {
                case 0 -> device.zero(offset, length, ZeroMode.UNMAP, Durability.CACHED);
                case 1 -> compress(device, offset, random);
                default -> device.write(offset, bytes, Durability.CACHED);
            }
        }
        device.flush();
    }

    private static void compress(BlockDevice device, int offset, Random random) {
        device.image()
                .compressing()
                .ifPresent(
                        compressing -> {
                            int unit = compressing.unit();
                            int start = offset / unit * unit;
                            int length = (int) Math.min(unit, device.length() - start);
                            byte[] bytes = new byte[length];
                            Arrays.fill(bytes, 0, length / 2, (byte) random.nextInt());
                            compressing.writeCompressed(start, MemorySegment.ofArray(bytes));
                        });
    }
}
