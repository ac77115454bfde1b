package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import dev.gaur.format.LuksInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Reads the header of the LUKS volume in an encrypted image, for information only.
 *
 * <p>Source: "LUKS1 On-Disk Format Specification", version 1.2.3, "The partition header"; the names
 * of ciphers with their bits are QEMU's.
 */
final class LuksHeader {
    private static final byte[] MAGIC = {'L', 'U', 'K', 'S', (byte) 0xba, (byte) 0xbe};
    private static final int VERSION = 1;
    private static final int BYTES = 592;
    private static final int SLOTS_AT = 208;
    private static final int SLOT_BYTES = 48;
    private static final int SLOTS = 8;
    private static final int SLOT_ACTIVE = 0x00ac71f3;

    private final byte[] bytes;
    private final ByteBuffer fields;

    private LuksHeader(byte[] bytes) {
        this.bytes = bytes;
        this.fields = ByteBuffer.wrap(bytes);
    }

    /** Reads what an image's header points to; empty if that is no LUKS header. */
    static Optional<LuksInfo> read(StorageNode file, Header header) {
        return header.extension(HeaderExtension.ENCRYPTION_HEADER)
                .flatMap(pointer -> read(file, ByteBuffer.wrap(pointer.data()).getLong(0)));
    }

    private static Optional<LuksInfo> read(StorageNode file, long offset) {
        if (offset < 0 || offset > file.length() - BYTES) {
            return Optional.empty();
        }
        byte[] bytes = new byte[BYTES];
        file.read(offset, bytes, 0, BYTES);
        boolean known = Arrays.equals(MAGIC, 0, MAGIC.length, bytes, 0, MAGIC.length);
        LuksHeader header = new LuksHeader(bytes);
        return known && header.fields.getShort(6) == VERSION
                ? Optional.of(header.info())
                : Optional.empty();
    }

    private String text(int at, int length) {
        return Header.text(Arrays.copyOfRange(bytes, at, at + length));
    }

    private long u32(int at) {
        return Integer.toUnsignedLong(fields.getInt(at));
    }

    private LuksInfo info() {
        String[] mode = text(40, 32).split("-", 2);
        String[] generator = (mode.length == 2 ? mode[1] : "").split(":", 2);
        // XTS has two keys of the cipher's.
        long keyBytes = mode[0].equals("xts") ? u32(108) / 2 : u32(108);
        List<LuksInfo.Slot> slots = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            int at = SLOTS_AT + i * SLOT_BYTES;
            slots.add(
                    new LuksInfo.Slot(
                            fields.getInt(at) == SLOT_ACTIVE,
                            u32(at + 4),
                            u32(at + 40) * Geometry.SECTOR,
                            u32(at + 44)));
        }
        return new LuksInfo(
                text(8, 32) + "-" + keyBytes * Byte.SIZE,
                mode[0],
                generator[0],
                generator.length == 2 ? generator[1] : "",
                text(72, 32),
                text(168, 40),
                u32(104) * Geometry.SECTOR,
                u32(164),
                slots);
    }
}
