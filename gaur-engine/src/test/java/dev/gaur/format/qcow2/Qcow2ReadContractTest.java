package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BlockIoContract;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.Deflater;

/** An image whose clusters take turns in how they are stored, over a backing file. */
class Qcow2ReadContractTest extends BlockIoContract {
    private static final int CLUSTER = TinyImage.CLUSTER;

    @Override
    protected BlockNode nodeWith(byte[] content) {
        TinyImage tiny = new TinyImage().put(24, content.length);
        tiny.put(8, 256).put32(16, 4).putBytes(256, "base".getBytes(StandardCharsets.US_ASCII));
        byte[] backing = content.clone();
        for (int at = 0, i = 0; at < content.length; at += CLUSTER, i++) {
            byte[] cluster = Arrays.copyOfRange(content, at, at + CLUSTER);
            boolean zero = Arrays.equals(cluster, new byte[CLUSTER]);
            tiny.entry(i, store(tiny, cluster, zero ? 3 + i % 2 : i % 3));
            if (i % 3 != 2 || zero) { // What the image hides.
                Arrays.fill(backing, at, Math.min(content.length, at + CLUSTER), (byte) -1);
            }
        }
        StorageNode storage = tiny.storage();
        return Qcow2Format.open(
                storage, HeaderCodec.read(storage), FormatOptions.DEFAULT, new Base(backing));
    }

    /** Stores a cluster in one of five ways and returns its entry. */
    private static long store(TinyImage tiny, byte[] cluster, int way) {
        return switch (way) {
            case 0 -> {
                int offset = tiny.addCluster();
                tiny.putBytes(offset, cluster);
                yield offset | L2Entry.COPIED;
            }
            case 1 -> compress(tiny, cluster);
            case 2 -> 0;
            case 3 -> L2Entry.ZERO;
            default -> tiny.addCluster() | L2Entry.ZERO;
        };
    }

    /** Begins in the middle of a sector. */
    private static long compress(TinyImage tiny, byte[] cluster) {
        try (Deflater deflater = new Deflater(1, true)) {
            deflater.setInput(cluster);
            deflater.finish();
            byte[] stream = new byte[2 * CLUSTER];
            int length = deflater.deflate(stream);
            int offset = tiny.addCluster() + 77;
            tiny.addCluster();
            tiny.putBytes(offset, Arrays.copyOf(stream, length));
            return L2Entry.compressed(offset, length, 12);
        }
    }

    private record Base(byte[] content) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return new MemoryStorage(reference.name(), content);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }
    }
}
