package dev.gaur.graph;

import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Recognises formats by what stands at fixed places of a file. Reads less than 70 KiB.
 *
 * <p>The places are facts of the formats: qcow2, QED, VMDK, VHDX, VDI, VHD, LUKS, ISO 9660 and UEFI
 * specifications.
 */
final class Signatures {
    /**
     * Bytes at a place of the file.
     *
     * @param offset from the start; from the end if negative
     */
    private record Signature(String format, long offset, String bytes) {}

    private static final int VOLUME_DESCRIPTOR = 0x8001;
    private static final int SECTOR = 512;
    private static final int HEAD_BYTES = VOLUME_DESCRIPTOR + 5;
    private static final int PARTITIONS = 446;
    private static final int PARTITION_BYTES = 16;
    private static final int PARTITIONS_END = 510;

    /** Those that own the whole file come first. */
    private static final List<Signature> ALL =
            List.of(
                    new Signature("qcow2", 0, "QFI\u00fb"),
                    new Signature("qed", 0, "QED\0"),
                    new Signature("vmdk", 0, "KDMV"),
                    new Signature("vmdk", 0, "COWD"),
                    new Signature("vmdk", 0, "# Disk DescriptorFile"),
                    new Signature("vhdx", 0, "vhdxfile"),
                    new Signature("vdi", 0x40, "\u007f\u0010\u00da\u00be"),
                    new Signature("parallels", 0, "WithoutFreeSpace"),
                    new Signature("parallels", 0, "WithouFreSpacExt"),
                    new Signature("vpc", 0, "conectix"),
                    new Signature("vpc", -SECTOR, "conectix"),
                    new Signature("dmg", -SECTOR, "koly"),
                    new Signature("luks", 0, "LUKS\u00ba\u00be"),
                    new Signature("iso", VOLUME_DESCRIPTOR, "CD001"),
                    new Signature("gpt", SECTOR, "EFI PART"),
                    new Signature("gpt", 4096, "EFI PART"));

    private Signatures() {}

    /** Returns all formats that a file has signs of, each once, the most telling first. */
    static List<String> find(StorageNode storage) {
        MemorySegment head = read(storage, 0, HEAD_BYTES);
        MemorySegment tail = read(storage, Math.max(0, storage.length() - SECTOR), SECTOR);
        List<String> found = new ArrayList<>();
        for (Signature each : ALL) {
            MemorySegment where = each.offset < 0 ? tail : head;
            if (hasAt(where, Math.max(0, each.offset), each.bytes)
                    && !found.contains(each.format)) {
                found.add(each.format);
            }
        }
        if (hasPartitions(head) && !found.contains("gpt")) {
            found.add("mbr");
        }
        return found;
    }

    private static MemorySegment read(StorageNode storage, long offset, int length) {
        int inFile = (int) Math.min(length, storage.length() - offset);
        MemorySegment bytes = MemorySegment.ofArray(new byte[inFile]);
        storage.read(offset, bytes);
        return bytes;
    }

    private static boolean hasAt(MemorySegment segment, long offset, String bytes) {
        byte[] wanted = bytes.getBytes(StandardCharsets.ISO_8859_1);
        if (offset > segment.byteSize() - wanted.length) {
            return false;
        }
        return segment.asSlice(offset, wanted.length).mismatch(MemorySegment.ofArray(wanted)) < 0;
    }

    /** A boot sector alone is no partition table: each entry must be possible, and one in use. */
    private static boolean hasPartitions(MemorySegment head) {
        if (!hasAt(head, PARTITIONS_END, "\u0055\u00aa")) {
            return false;
        }
        boolean used = false;
        for (int at = PARTITIONS; at < PARTITIONS_END; at += PARTITION_BYTES) {
            int status = head.get(ValueLayout.JAVA_BYTE, at) & 0x7f;
            int type = head.get(ValueLayout.JAVA_BYTE, at + 4);
            if (status != 0) {
                return false;
            }
            used |= type != 0;
        }
        return used;
    }
}
