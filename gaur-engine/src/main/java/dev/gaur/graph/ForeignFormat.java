package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.ReferenceOpener;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A format that Gaur knows by its first bytes and cannot read: refused by name, since taking such a
 * file for a raw image would give a guest its container.
 *
 * @param name QEMU's name
 * @param offset where the magic is
 * @param magic as Latin-1 text
 */
record ForeignFormat(String name, int offset, String magic) implements ImageFormat {
    private static final int SURE = 100;

    @Override
    public int probe(byte[] head) {
        byte[] bytes = magic.getBytes(StandardCharsets.ISO_8859_1);
        int end = offset + bytes.length;
        return head.length >= end && Arrays.equals(head, offset, end, bytes, 0, bytes.length)
                ? SURE
                : 0;
    }

    @Override
    public Image open(StorageNode storage, FormatOptions options, ReferenceOpener references) {
        throw new BlockException.Unsupported(
                storage.name(), "", "format '" + name + "' is not supported yet");
    }
}
