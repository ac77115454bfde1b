package dev.gaur.verify.zoo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The bytes of a qcow2 file, to be looked at and damaged. Knows the format by itself, written from
 * the specification and sharing no code with Gaur, so that a mistake there is not repeated here.
 * Trusts the file: only for images that QEMU made.
 */
public final class Specimen {
    private static final long OFFSET_MASK = 0x00ff_ffff_ffff_fe00L;
    private static final long COMPRESSED = 1L << 62;

    private byte[] bytes;
    private ByteBuffer view;

    private Specimen(byte[] bytes) {
        this.bytes = bytes;
        this.view = ByteBuffer.wrap(bytes);
    }

    /** What a range of the file holds. */
    public enum Kind {
        HEADER,
        EXTENSIONS,
        BACKING_NAME,
        REFCOUNT_TABLE,
        REFCOUNT_BLOCK,
        L1_TABLE,
        L2_TABLE,
        SNAPSHOT_TABLE,
        BITMAP_DIRECTORY,
        BITMAP_TABLE,
        COMPRESSED_DATA,
        DATA
    }

    /** A range of the file and what it holds; of tables only the used part. */
    public record Region(Kind kind, long offset, long length) {
        /** Returns the byte after the last. */
        public long end() {
            return offset + length;
        }
    }

    /** Wraps a copy of the bytes. */
    public static Specimen of(byte[] bytes) {
        return new Specimen(bytes.clone());
    }

    /** Reads a whole image file. */
    public static Specimen read(Path image) {
        try {
            return new Specimen(Files.readAllBytes(image));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the bytes to a file, new or not. */
    public Path write(Path image) {
        try {
            return Files.write(image, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Specimen copy() {
        return new Specimen(bytes.clone());
    }

    /** Returns the bytes themselves. */
    public byte[] bytes() {
        return bytes;
    }

    public int length() {
        return bytes.length;
    }

    /** Cuts the file or lengthens it with zeros. */
    public Specimen resize(long length) {
        bytes = Arrays.copyOf(bytes, Math.toIntExact(length));
        view = ByteBuffer.wrap(bytes);
        return this;
    }

    public int u8(long offset) {
        return Byte.toUnsignedInt(bytes[(int) offset]);
    }

    public int u16(long offset) {
        return Short.toUnsignedInt(view.getShort((int) offset));
    }

    public long u32(long offset) {
        return Integer.toUnsignedLong(view.getInt((int) offset));
    }

    public long u64(long offset) {
        return view.getLong((int) offset);
    }

    public Specimen putU8(long offset, int value) {
        bytes[(int) offset] = (byte) value;
        return this;
    }

    public Specimen putU16(long offset, int value) {
        view.putShort((int) offset, (short) value);
        return this;
    }

    public Specimen putU32(long offset, long value) {
        view.putInt((int) offset, (int) value);
        return this;
    }

    public Specimen putU64(long offset, long value) {
        view.putLong((int) offset, value);
        return this;
    }

    public Specimen putBytes(long offset, byte[] source) {
        System.arraycopy(source, 0, bytes, (int) offset, source.length);
        return this;
    }

    /** Returns a header field's value. */
    public long get(HeaderField field) {
        long value = 0;
        for (int i = 0; i < field.width(); i++) {
            value = (value << 8) | u8(field.offset() + i);
        }
        return value;
    }

    /** Sets a header field. */
    public Specimen put(HeaderField field, long value) {
        for (int i = 0; i < field.width(); i++) {
            putU8(field.offset() + i, (int) (value >>> (8 * (field.width() - 1 - i))));
        }
        return this;
    }

    public int clusterSize() {
        return 1 << get(HeaderField.CLUSTER_BITS);
    }

    public boolean isV3() {
        return get(HeaderField.VERSION) == 3;
    }

    private boolean has(HeaderField bits, int bit) {
        return isV3() && ((get(bits) >> bit) & 1) != 0;
    }

    public boolean isExtended() {
        return has(HeaderField.INCOMPATIBLE, 4);
    }

    public int l2EntrySize() {
        return isExtended() ? 16 : 8;
    }

    public int headerLength() {
        return isV3() ? (int) get(HeaderField.HEADER_LENGTH) : 72;
    }

    /** Returns where an entry of the active L1 table stands in the file. */
    public long l1EntryAt(long index) {
        return get(HeaderField.L1_OFFSET) + index * 8;
    }

    /** Returns the host offset of an L2 table of the active state, 0 if there is none. */
    public long l2Table(long l1Index) {
        return u64(l1EntryAt(l1Index)) & OFFSET_MASK;
    }

    /** Returns where the L2 entry of a guest offset stands; its table must exist. */
    public long l2EntryAt(long guestOffset) {
        long perTable = clusterSize() / l2EntrySize();
        long cluster = guestOffset / clusterSize();
        long table = l2Table(cluster / perTable);
        if (table == 0) {
            throw new AssertionError("no L2 table for guest offset " + guestOffset);
        }
        return table + cluster % perTable * l2EntrySize();
    }

    /** Returns where the entry for a host cluster stands in its (16-bit) refcount block. */
    public long refcountAt(long hostOffset) {
        long perBlock = (clusterSize() * 8L) >> refcountOrder();
        long cluster = hostOffset / clusterSize();
        long block = u64(get(HeaderField.REFCOUNT_TABLE_OFFSET) + cluster / perBlock * 8);
        return block + ((cluster % perBlock << refcountOrder()) >> 3);
    }

    public int refcountOrder() {
        return isV3() ? (int) get(HeaderField.REFCOUNT_ORDER) : 4;
    }

    /** Returns the guest offset of the first cluster whose L2 entry passes, or fails. */
    public long firstGuest(java.util.function.LongPredicate wanted) {
        long clusters = (get(HeaderField.SIZE) + clusterSize() - 1) / clusterSize();
        long perTable = clusterSize() / l2EntrySize();
        for (long cluster = 0; cluster < clusters; cluster++) {
            if (l2Table(cluster / perTable) != 0) {
                long guest = cluster * clusterSize();
                if (wanted.test(u64(l2EntryAt(guest)))) {
                    return guest;
                }
            }
        }
        throw new AssertionError("no such L2 entry");
    }

    /** Tells whether an L2 entry is a plain data cluster with a place. */
    public static boolean isNormal(long entry) {
        return (entry & COMPRESSED) == 0 && (entry & OFFSET_MASK) != 0 && (entry & 1) == 0;
    }

    /** Tells whether an L2 entry is a compressed cluster. */
    public static boolean isCompressed(long entry) {
        return (entry & COMPRESSED) != 0;
    }

    /** Takes the image apart: all structures of the active state and the snapshots, in no order. */
    public List<Region> regions() {
        List<Region> found = new ArrayList<>();
        found.add(new Region(Kind.HEADER, 0, headerLength()));
        extensions(found);
        refcounts(found);
        tree(found, get(HeaderField.L1_OFFSET), (int) get(HeaderField.L1_SIZE));
        snapshots(found);
        found.removeIf(region -> region.offset() >= length());
        return found.stream().distinct().toList();
    }

    private void extensions(List<Region> found) {
        long at = headerLength();
        while (at + 8 <= clusterSize() && u32(at) != 0) {
            if (u32(at) == 0x23852875) {
                bitmaps(found, at + 8);
            }
            at += 8 + (u32(at + 4) + 7) / 8 * 8;
        }
        found.add(new Region(Kind.EXTENSIONS, headerLength(), at + 8 - headerLength()));
        if (get(HeaderField.BACKING_OFFSET) != 0) {
            long size = get(HeaderField.BACKING_SIZE);
            found.add(new Region(Kind.BACKING_NAME, get(HeaderField.BACKING_OFFSET), size));
        }
    }

    private void bitmaps(List<Region> found, long extension) {
        long directory = u64(extension + 16);
        found.add(new Region(Kind.BITMAP_DIRECTORY, directory, u64(extension + 8)));
        long at = directory;
        for (long i = 0; i < u32(extension); i++) {
            found.add(new Region(Kind.BITMAP_TABLE, u64(at), u32(at + 8) * 8));
            at += (24 + u16(at + 18) + u32(at + 20) + 7) / 8 * 8;
        }
    }

    private void refcounts(List<Region> found) {
        long table = get(HeaderField.REFCOUNT_TABLE_OFFSET);
        long bytes = get(HeaderField.REFCOUNT_TABLE_CLUSTERS) * clusterSize();
        long used = 8;
        for (long at = 0; at < bytes; at += 8) {
            long block = u64(table + at) & OFFSET_MASK;
            if (block != 0) {
                found.add(new Region(Kind.REFCOUNT_BLOCK, block, clusterSize()));
                used = at + 8;
            }
        }
        found.add(new Region(Kind.REFCOUNT_TABLE, table, used));
    }

    private void tree(List<Region> found, long l1Offset, int l1Size) {
        found.add(new Region(Kind.L1_TABLE, l1Offset, l1Size * 8L));
        for (int i = 0; i < l1Size; i++) {
            long table = u64(l1Offset + i * 8L) & OFFSET_MASK;
            if (table != 0) {
                found.add(new Region(Kind.L2_TABLE, table, clusterSize()));
                for (long at = table; at < table + clusterSize(); at += l2EntrySize()) {
                    data(found, u64(at));
                }
            }
        }
    }

    private void data(List<Region> found, long entry) {
        boolean dataFile = has(HeaderField.INCOMPATIBLE, 2);
        if (isCompressed(entry)) {
            int bits = 70 - (int) get(HeaderField.CLUSTER_BITS);
            long offset = entry & ((1L << Math.min(bits, 56)) - 1);
            long sectors = (entry & (COMPRESSED - 1)) >>> bits;
            long end = (offset / 512 + sectors + 1) * 512;
            found.add(new Region(Kind.COMPRESSED_DATA, offset, end - offset));
        } else if (!dataFile && (entry & OFFSET_MASK) != 0) {
            found.add(new Region(Kind.DATA, entry & OFFSET_MASK, clusterSize()));
        }
    }

    private void snapshots(List<Region> found) {
        long start = get(HeaderField.SNAPSHOTS_OFFSET);
        long at = start;
        for (long i = 0; i < get(HeaderField.SNAPSHOT_COUNT); i++) {
            tree(found, u64(at), (int) u32(at + 8));
            at += (40 + u32(at + 36) + u16(at + 12) + u16(at + 14) + 7) / 8 * 8;
        }
        if (at > start) {
            found.add(new Region(Kind.SNAPSHOT_TABLE, start, at - start));
        }
    }
}
