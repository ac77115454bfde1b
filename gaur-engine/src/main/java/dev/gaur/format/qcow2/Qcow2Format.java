package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.Checker;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.Repairer;
import java.nio.ByteBuffer;
import java.util.Optional;

/** The qcow2 format, versions 2 and 3. */
public final class Qcow2Format implements ImageFormat {
    /** The format has no state. */
    public static final Qcow2Format INSTANCE = new Qcow2Format();

    private static final int PROBE_SURE = 100;

    private Qcow2Format() {}

    @Override
    public String name() {
        return "qcow2";
    }

    @Override
    public int probe(byte[] head) {
        ByteBuffer fields = ByteBuffer.wrap(head);
        boolean magic = head.length >= 8 && fields.getInt(0) == Header.MAGIC;
        return magic && Integer.toUnsignedLong(fields.getInt(4)) >= 2 ? PROBE_SURE : 0;
    }

    /**
     * Opens an image, for writing too if the storage is; the first change prepares for more.
     * Closing writes out what is not in the file yet, and may fail for that. Encrypted images open
     * too, so that their properties can be seen, but cannot be read yet.
     */
    @Override
    public Image open(StorageNode storage, FormatOptions options, ReferenceOpener references) {
        return open(storage, HeaderCodec.read(storage), options, references);
    }

    /** Opens what the header refers to, and what hangs on that. */
    static Qcow2Image open(
            StorageNode file, Header header, FormatOptions options, ReferenceOpener references) {
        ImageParts.requirePossible(file, header, options);
        SnapshotTable snapshots = SnapshotTable.read(file, header);
        MappingTables tables = ImageParts.tables(file, header, snapshots, options.snapshot());
        BlockNode backing =
                ImageParts.backing(file, header).map(references::backing).orElse(ZeroNode.INSTANCE);
        StorageNode data = file;
        try {
            data = ImageParts.dataFile(file, header).map(references::dataFile).orElse(file);
            return new Qcow2Image(file, data, backing, header, snapshots, tables, options);
        } catch (RuntimeException | Error failed) {
            backing.close();
            if (data != file) {
                data.close();
            }
            throw failed;
        }
    }

    @Override
    public Optional<Checker> checker(StorageNode storage) {
        return Optional.of(new ConsistencyCheck(storage, HeaderCodec.readForCheck(storage)));
    }

    @Override
    public Optional<Repairer> repairer(StorageNode storage) {
        return Optional.of(new Repair(storage, HeaderCodec.readForCheck(storage)));
    }
}
