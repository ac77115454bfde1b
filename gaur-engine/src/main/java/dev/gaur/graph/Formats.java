package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.qcow2.Qcow2Format;
import dev.gaur.format.raw.RawFormat;
import java.util.List;

/** All formats, and which of them a file is of. */
final class Formats {
    private static final List<ImageFormat> ALL =
            List.of(
                    Qcow2Format.INSTANCE,
                    RawFormat.INSTANCE,
                    Qcow2Format.INSTANCE,
                    new ForeignFormat("vmdk", 0, "KDMV"),
                    new ForeignFormat("vmdk", 0, "COWD"),
                    new ForeignFormat("vmdk", 0, "# Disk DescriptorFile"),
                    new ForeignFormat("vdi", 0x40, "\u007f\u0010\u00da\u00be"),
                    new ForeignFormat("vhdx", 0, "vhdxfile"),
                    new ForeignFormat("vpc", 0, "conectix"),
                    new ForeignFormat("qcow", 0, "QFI\u00fb\0\0\0\1"),
                    new ForeignFormat("qed", 0, "QED\0"),
                    new ForeignFormat("parallels", 0, "WithoutFreeSpace"),
                    new ForeignFormat("parallels", 0, "WithouFreSpacExt"),
                    new ForeignFormat("luks", 0, "LUKS\u00ba\u00be"));

    private Formats() {}

    /**
     * Finds the format of that name.
     *
     * @param image whose it is, for messages
     */
    static ImageFormat named(String name, String image) {
        // QEMU's drivers for plain bytes; some images state them as the format of a backing file.
        String format = name.equals("file") || name.equals("host_device") ? "raw" : name;
        return ALL.stream()
                .filter(known -> known.name().equals(format))
                .findFirst()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        image, "", "Unknown driver '" + name + "'"));
    }

    /** Finds the format by the content. */
    static ImageFormat probed(StorageNode storage) {
        byte[] head = new byte[(int) Math.min(storage.length(), ImageFormat.PROBE_BYTES)];
        storage.read(0, head, 0, head.length);
        return probed(head);
    }

    /** Finds the format by the first bytes of a file. */
    static ImageFormat probed(byte[] head) {
        ImageFormat best = RawFormat.INSTANCE;
        for (ImageFormat format : ALL) {
            best = format.probe(head) > best.probe(head) ? format : best;
        }
        return best;
    }
}
