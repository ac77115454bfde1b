package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Turns the first cluster of an image into a {@link Header} and back. Everything in a {@code
 * Header} that comes from here is within its limits, so nobody has to test it again.
 *
 * <p>Source: the specification, "Header", "Header extensions", "Feature name table"; the limits and
 * the order of the extensions are QEMU's.
 */
final class HeaderCodec {
    /** QEMU's limit: enough for 2 EiB with clusters of 2 MiB. */
    static final long L1_BYTES_MAX = 32L << 20;

    /** QEMU's limit. */
    static final long REFCOUNT_TABLE_BYTES_MAX = 8L << 20;

    /** QEMU's limit. */
    static final int SNAPSHOTS_MAX = 65536;

    /** QEMU's limit: names must fit a buffer of 1 KiB. */
    static final int BACKING_NAME_MAX = 1023;

    /** Bytes of a snapshot table entry without its strings and extra data. */
    static final int SNAPSHOT_ENTRY_MIN = 40;

    /** Bytes of an entry of the feature name table: map, bit, 46 bytes of name. */
    static final int FEATURE_BYTES = 48;

    static final int COMPRESSION_TYPE_OFFSET = 104;

    /** From here on a header has fields that Gaur does not know and keeps. */
    static final int FIRST_UNKNOWN = COMPRESSION_TYPE_OFFSET + 1;

    /** Clusters up to this size have no feature name table: it would fill too much of them. */
    private static final int NO_NAMES_CLUSTER_SIZE = 4096;

    /**
     * A name in the feature name table; {@code map} is 0 incompatible, 1 compatible, 2 autoclear.
     */
    private record Feature(int map, int bit, String name) {}

    private static final List<Feature> FEATURES =
            List.of(
                    new Feature(0, 0, "dirty bit"),
                    new Feature(0, 1, "corrupt bit"),
                    new Feature(0, 2, "external data file"),
                    new Feature(0, 3, "compression type"),
                    new Feature(0, 4, "extended L2 entries"),
                    new Feature(1, 0, "lazy refcounts"),
                    new Feature(2, 0, "bitmaps"),
                    new Feature(2, 1, "raw external data"));

    private HeaderCodec() {}

    /** Reads and checks the header of a file. A short file is as if filled up with zeros. */
    static Header read(StorageNode storage) {
        byte[] fixed = head(storage, Header.V3_LENGTH);
        int clusterSize = 1 << new HeaderParser(storage.name(), fixed).clusterBits();
        return parse(storage.name(), head(storage, clusterSize));
    }

    /**
     * Reads the header of an image that is only to be checked: an empty refcount table passes, and
     * so does whatever the header says of the snapshot table.
     */
    static Header readForCheck(StorageNode storage) {
        byte[] fixed = head(storage, Header.V3_LENGTH);
        int clusterSize = 1 << new HeaderParser(storage.name(), fixed).clusterBits();
        return new HeaderParser(storage.name(), head(storage, clusterSize)).headerForCheck();
    }

    private static byte[] head(StorageNode storage, int size) {
        byte[] bytes = new byte[size];
        storage.read(0, bytes, 0, (int) Math.min(size, storage.length()));
        return bytes;
    }

    /**
     * Checks and parses a header.
     *
     * @param image the name for messages
     * @param firstCluster the whole first cluster, filled up with zeros if the file is shorter
     */
    static Header parse(String image, byte[] firstCluster) {
        return new HeaderParser(image, firstCluster).header();
    }

    /** Extensions begin at multiples of 8. */
    static int roundUp8(int length) {
        return (length + 7) & -8;
    }

    /**
     * Makes the first cluster as QEMU lays it out. {@code headerLength} is not looked at: version 3
     * headers get 112 bytes and what unknown fields need. The feature name table is made anew.
     *
     * @param image the name for messages
     * @throws BlockException.Unsupported if it does not fit in the cluster
     */
    static byte[] encode(String image, Header header) {
        return encode(image, header, true, 0);
    }

    /**
     * The same, laid out otherwise.
     *
     * @param names whether there is a feature name table, if the cluster has room for one
     * @param nameAt where the backing file's name lies if there is one, behind the extensions; 0
     *     for next to them
     */
    static byte[] encode(String image, Header header, boolean names, int nameAt) {
        byte[] cluster = new byte[1 << header.clusterBits()];
        ByteBuffer out = ByteBuffer.wrap(cluster);
        try {
            out.position(header.version() == 2 ? Header.V2_LENGTH : putV3Fields(out, header));
            putExtensions(out, header, names);
            out.position(Math.max(nameAt, out.position()));
            byte[] name = header.backingName().getBytes(StandardCharsets.UTF_8);
            putFields(out, header, name.length == 0 ? 0 : out.position(), name.length);
            out.put(name);
        } catch (BufferOverflowException _) {
            throw new BlockException.Unsupported(
                    image,
                    "header",
                    "header, extensions and backing file name do not fit in a cluster of %d bytes"
                            .formatted(cluster.length));
        }
        return cluster;
    }

    /** Stores what both versions have; leaves the position where it is. */
    private static void putFields(
            ByteBuffer out, Header header, int backingOffset, int backingLength) {
        out.putInt(0, Header.MAGIC);
        out.putInt(4, header.version());
        out.putLong(8, backingOffset);
        out.putInt(16, backingLength);
        out.putInt(20, header.clusterBits());
        out.putLong(24, header.size());
        out.putInt(32, header.cryptMethod());
        out.putInt(36, header.l1Entries());
        out.putLong(40, header.l1TableOffset());
        out.putLong(48, header.refcountTableOffset());
        out.putInt(56, header.refcountTableClusters());
        out.putInt(60, header.snapshotCount());
        out.putLong(64, header.snapshotsOffset());
    }

    /** Stores what only version 3 has and returns the header's length. */
    private static int putV3Fields(ByteBuffer out, Header header) {
        byte[] unknown = header.unknownFields();
        int length = Math.max(Header.V3_LENGTH, roundUp8(FIRST_UNKNOWN + unknown.length));
        out.putLong(72, header.incompatible());
        out.putLong(80, header.compatible());
        out.putLong(88, header.autoclear());
        out.putInt(96, header.refcountOrder());
        out.putInt(100, length);
        out.put(COMPRESSION_TYPE_OFFSET, (byte) header.compressionType());
        out.position(FIRST_UNKNOWN).put(unknown);
        if (length > out.capacity()) {
            throw new BufferOverflowException();
        }
        return length;
    }

    private static void putExtensions(ByteBuffer out, Header header, boolean names) {
        putKnown(out, header, HeaderExtension.JOURNAL); // In the first sector, with its bit.
        putKnown(out, header, HeaderExtension.BACKING_FORMAT);
        putKnown(out, header, HeaderExtension.DATA_FILE_NAME);
        putKnown(out, header, HeaderExtension.ENCRYPTION_HEADER);
        if (names && header.version() == 3 && out.capacity() > NO_NAMES_CLUSTER_SIZE) {
            put(out, HeaderExtension.FEATURE_NAMES, featureNames());
        }
        putKnown(out, header, HeaderExtension.BITMAPS);
        for (HeaderExtension each : header.extensions()) {
            if (!isKnown(each.type())) {
                put(out, each.type(), each.data());
            }
        }
        put(out, HeaderExtension.END, new byte[0]);
    }

    private static boolean isKnown(int type) {
        return switch (type) {
            case HeaderExtension.JOURNAL,
                    HeaderExtension.BACKING_FORMAT,
                    HeaderExtension.DATA_FILE_NAME,
                    HeaderExtension.FEATURE_NAMES,
                    HeaderExtension.BITMAPS,
                    HeaderExtension.ENCRYPTION_HEADER ->
                    true;
            default -> false;
        };
    }

    private static void putKnown(ByteBuffer out, Header header, int type) {
        header.extension(type).ifPresent(each -> put(out, type, each.data()));
    }

    private static void put(ByteBuffer out, int type, byte[] data) {
        out.putInt(type).putInt(data.length).put(data);
        out.put(new byte[roundUp8(data.length) - data.length]);
    }

    private static byte[] featureNames() {
        ByteBuffer table = ByteBuffer.allocate(FEATURES.size() * FEATURE_BYTES);
        for (int i = 0; i < FEATURES.size(); i++) {
            Feature feature = FEATURES.get(i);
            table.position(i * FEATURE_BYTES).put((byte) feature.map()).put((byte) feature.bit());
            table.put(feature.name().getBytes(StandardCharsets.US_ASCII));
        }
        return table.array();
    }
}
