package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One parse of a first cluster, for {@link HeaderCodec}: checks in QEMU's order, so that of several
 * faults the same one is reported. Fields are read from the bytes where they are needed; that costs
 * nothing.
 */
final class HeaderParser {
    private static final byte[] NOTHING = {};
    private static final int CRYPT_LUKS = 2;
    private static final int BACKING_FORMAT_MAX = 15;
    private static final int POINTER_BYTES = 16;

    private final String image;
    private final byte[] bytes;
    private final ByteBuffer fields;

    HeaderParser(String image, byte[] bytes) {
        this.image = image;
        this.bytes = bytes;
        this.fields = ByteBuffer.wrap(bytes);
    }

    private BlockException corrupt(long offset, String found) {
        return new BlockException.Corrupt(image, "header", offset, found);
    }

    private BlockException unsupported(String found) {
        return new BlockException.Unsupported(image, "header", found);
    }

    private long u32(int offset) {
        return Integer.toUnsignedLong(fields.getInt(offset));
    }

    private long u64(int offset) {
        return fields.getLong(offset);
    }

    /** Also checks what comes before: magic number and version. */
    int clusterBits() {
        if ((int) u32(0) != Header.MAGIC) {
            throw corrupt(0, "Image is not in qcow2 format");
        }
        version();
        long bits = u32(20);
        if (bits < Geometry.CLUSTER_BITS_MIN || bits > Geometry.CLUSTER_BITS_MAX) {
            throw corrupt(20, "cluster_bits is %d, not in 9..21".formatted(bits));
        }
        return (int) bits;
    }

    private int version() {
        long version = u32(4);
        if (version != 2 && version != 3) {
            throw unsupported("Unsupported qcow2 version " + version);
        }
        return (int) version;
    }

    Header header() {
        return header(false);
    }

    /** Leaves to the checker what it can report better: snapshots, an empty refcount table. */
    Header headerForCheck() {
        return header(true);
    }

    private Header header(boolean forCheck) {
        int version = version();
        boolean v3 = version == 3;
        int clusterBits = clusterBits();
        int headerLength = v3 ? headerLength(1 << clusterBits) : Header.V2_LENGTH;
        int extensionsEnd = extensionsEnd(1 << clusterBits);
        int compressionType =
                headerLength > HeaderCodec.COMPRESSION_TYPE_OFFSET ? compression() : 0;
        long incompatible = v3 ? incompatible(compressionType, headerLength, extensionsEnd) : 0;
        int refcountOrder = v3 ? refcountOrder() : 4;
        Geometry geometry = geometry(clusterBits, incompatible, refcountOrder);
        checkEncryption();
        checkRefcountTable(geometry, forCheck);
        if (!forCheck) {
            checkSnapshots(geometry);
        }
        checkL1(geometry);
        List<HeaderExtension> extensions = extensions(headerLength, extensionsEnd);
        long autoclear = v3 ? autoclear(incompatible) : 0;
        checkExtensions(extensions, geometry);
        return new Header(
                version,
                clusterBits,
                u64(24),
                (int) u32(32),
                (int) u32(36),
                u64(40),
                u64(48),
                (int) u32(56),
                (int) u32(60),
                u64(64),
                incompatible,
                v3 ? u64(80) : 0,
                autoclear,
                refcountOrder,
                headerLength,
                compressionType,
                slice(
                        HeaderCodec.FIRST_UNKNOWN,
                        Math.max(0, headerLength - HeaderCodec.FIRST_UNKNOWN)),
                extensions,
                backingName(1 << clusterBits));
    }

    private byte[] slice(int offset, int length) {
        return length == 0 ? NOTHING : Arrays.copyOfRange(bytes, offset, offset + length);
    }

    private int headerLength(int clusterSize) {
        long length = u32(100);
        if (length < Header.V3_LENGTH_MIN || length > clusterSize) {
            throw corrupt(
                    100, "header_length is %d, not in 104..%d".formatted(length, clusterSize));
        }
        return (int) length;
    }

    /** Where the extensions end at the latest: at the backing file's name. */
    private int extensionsEnd(int clusterSize) {
        long backingOffset = u64(8);
        if (backingOffset < 0 || backingOffset > clusterSize) {
            throw corrupt(
                    8,
                    "backing_file_offset is 0x%x, behind the first cluster"
                            .formatted(backingOffset));
        }
        return backingOffset == 0 ? clusterSize : (int) backingOffset;
    }

    private int compression() {
        return Byte.toUnsignedInt(bytes[HeaderCodec.COMPRESSION_TYPE_OFFSET]);
    }

    private long incompatible(int compressionType, int headerLength, int extensionsEnd) {
        long features = u64(72);
        if ((compressionType != 0) != ((features & Header.COMPRESSION) != 0)) {
            throw corrupt(
                    HeaderCodec.COMPRESSION_TYPE_OFFSET,
                    "compression_type is %d, but incompatible feature bit 3 is %s"
                            .formatted(compressionType, compressionType == 0 ? "set" : "not"));
        }
        if (compressionType > 1) {
            throw unsupported("compression_type at offset 0x68 is " + compressionType);
        }
        long unknown = features & ~Header.KNOWN_INCOMPATIBLE;
        if (unknown != 0) {
            throw unsupported(
                    "Unsupported qcow2 feature(s): " + names(unknown, headerLength, extensionsEnd));
        }
        return features;
    }

    /** The names that the image itself gives to bits; those without a name in hex. */
    private String names(long unknown, int headerLength, int extensionsEnd) {
        List<String> names = new ArrayList<>();
        long nameless = unknown;
        for (HeaderExtension each : extensions(headerLength, extensionsEnd)) {
            if (each.type() != HeaderExtension.FEATURE_NAMES) {
                continue;
            }
            byte[] data = each.data();
            for (int at = 0;
                    at + HeaderCodec.FEATURE_BYTES <= data.length;
                    at += HeaderCodec.FEATURE_BYTES) {
                int number = Byte.toUnsignedInt(data[at + 1]);
                long bit = data[at] == 0 && number < Long.SIZE ? 1L << number : 0;
                if ((bit & nameless) != 0) {
                    nameless &= ~bit;
                    names.add(text(data, at + 2, HeaderCodec.FEATURE_BYTES - 2));
                }
            }
        }
        if (nameless != 0) {
            names.add("Unknown incompatible feature: " + Long.toHexString(nameless));
        }
        return String.join(", ", names);
    }

    private static String text(byte[] data, int offset, int length) {
        return Header.text(Arrays.copyOfRange(data, offset, offset + length));
    }

    private int refcountOrder() {
        long order = u32(96);
        if (order > 6) {
            throw corrupt(96, "refcount_order is %d, larger than 6".formatted(order));
        }
        return (int) order;
    }

    private Geometry geometry(int clusterBits, long incompatible, int refcountOrder) {
        boolean extended = (incompatible & Header.EXTENDED_L2) != 0;
        if (extended && 1 << clusterBits < Geometry.SUBCLUSTERS * Geometry.SECTOR) {
            throw corrupt(
                    20,
                    "cluster_bits is %d, at least 14 with extended L2 entries"
                            .formatted(clusterBits));
        }
        return new Geometry(clusterBits, extended, refcountOrder);
    }

    private void checkEncryption() {
        if (u32(32) > CRYPT_LUKS) {
            throw unsupported("crypt_method at offset 0x20 is " + u32(32));
        }
    }

    private void checkRefcountTable(Geometry geometry, boolean forCheck) {
        long clusters = u32(56);
        if (clusters == 0 && !forCheck) {
            throw corrupt(56, "refcount_table_clusters is 0: no reference counts");
        }
        if (clusters > HeaderCodec.REFCOUNT_TABLE_BYTES_MAX / geometry.clusterSize()) {
            throw corrupt(
                    56, "refcount_table_clusters is %d, larger than 8 MiB".formatted(clusters));
        }
        checkTable("refcount_table_offset", 48, clusters * geometry.clusterSize(), geometry);
    }

    private void checkSnapshots(Geometry geometry) {
        long count = u32(60);
        if (count > HeaderCodec.SNAPSHOTS_MAX) {
            throw corrupt(
                    60,
                    "nb_snapshots is %d, larger than %d"
                            .formatted(count, HeaderCodec.SNAPSHOTS_MAX));
        }
        checkTable("snapshots_offset", 64, count * HeaderCodec.SNAPSHOT_ENTRY_MIN, geometry);
    }

    private void checkL1(Geometry geometry) {
        long entries = u32(36);
        if (entries > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
            throw corrupt(36, "l1_size is %d, larger than 32 MiB".formatted(entries));
        }
        checkTable("l1_table_offset", 40, entries * Long.BYTES, geometry);
        long size = u64(24);
        if (size < 0 || geometry.l1EntriesFor(size) > entries) {
            throw corrupt(
                    36,
                    "l1_size is %d, too small for the virtual size %s (%d entries)"
                            .formatted(
                                    entries,
                                    Long.toUnsignedString(size),
                                    geometry.l1EntriesFor(size)));
        }
    }

    private void checkTable(String field, int at, long length, Geometry geometry) {
        long offset = u64(at);
        if (!geometry.isAligned(offset)) {
            throw corrupt(
                    at, "%s is 0x%x, not a multiple of the cluster size".formatted(field, offset));
        }
        if (offset < 0 || offset > Long.MAX_VALUE - length) {
            throw corrupt(at, "%s is 0x%x, behind any file".formatted(field, offset));
        }
    }

    private List<HeaderExtension> extensions(int start, int end) {
        List<HeaderExtension> extensions = new ArrayList<>();
        int at = start;
        while (at < end) {
            if (end - at < 8 || u32(at + 4) > end - at - 8) {
                throw corrupt(
                        at,
                        "extension 0x%08x with %d bytes does not end before 0x%x"
                                .formatted(
                                        end - at < 4 ? 0 : u32(at),
                                        end - at < 8 ? 0 : u32(at + 4),
                                        end));
            }
            int type = (int) u32(at);
            int length = (int) u32(at + 4);
            if (type == HeaderExtension.END) {
                break;
            }
            extensions.add(new HeaderExtension(type, slice(at + 8, length)));
            at += 8 + HeaderCodec.roundUp8(length);
        }
        return List.copyOf(extensions);
    }

    private long autoclear(long incompatible) {
        long features = u64(88);
        if ((features & Header.DATA_FILE_RAW) != 0 && (incompatible & Header.DATA_FILE) == 0) {
            throw corrupt(
                    88,
                    "autoclear feature bit 1 (raw external data) without an external data file");
        }
        return features;
    }

    private void checkExtensions(List<HeaderExtension> extensions, Geometry geometry) {
        boolean luks = u32(32) == CRYPT_LUKS;
        boolean pointer = false;
        for (HeaderExtension each : extensions) {
            int length = each.data().length;
            if (each.type() == HeaderExtension.BACKING_FORMAT && length > BACKING_FORMAT_MAX) {
                throw extension("backing format has %d bytes, more than 15".formatted(length));
            }
            if (each.type() == HeaderExtension.ENCRYPTION_HEADER) {
                checkEncryptionPointer(each, luks, geometry);
                pointer = true;
            }
        }
        if (luks && !pointer) {
            throw extension("none points to the LUKS header, but crypt_method is 2");
        }
    }

    private void checkEncryptionPointer(HeaderExtension pointer, boolean luks, Geometry geometry) {
        if (!luks) {
            throw extension("there is a pointer to a LUKS header, but crypt_method is not 2");
        }
        if (pointer.data().length != POINTER_BYTES) {
            throw extension(
                    "the pointer to the LUKS header has %d bytes, not 16"
                            .formatted(pointer.data().length));
        }
        long offset = ByteBuffer.wrap(pointer.data()).getLong();
        if (!geometry.isAligned(offset)) {
            throw extension(
                    "the LUKS header's offset 0x%x is not a multiple of the cluster size"
                            .formatted(offset));
        }
    }

    private BlockException extension(String found) {
        return new BlockException.Corrupt(
                image, "header extensions", BlockException.NO_OFFSET, found);
    }

    private String backingName(int clusterSize) {
        long offset = u64(8);
        long length = u32(16);
        if (offset == 0) {
            return "";
        }
        long most = Math.min(HeaderCodec.BACKING_NAME_MAX, clusterSize - offset);
        if (length > most) {
            throw corrupt(16, "backing_file_size is %d, larger than %d".formatted(length, most));
        }
        return Header.text(slice((int) offset, (int) length));
    }
}
