package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeaderCodecTest {
    /**
     * Bytes that {@code qemu-img create -f qcow2 -b b.raw -F raw a.qcow2 64M} of QEMU 7.2 makes.
     */
    private static final String GOLDEN_V3 =
            "514649fb00000003000000000000021000000005000000100000000004000000"
                    + "0000000000000001000000000003000000000000000100000000000100000000"
                    + "0000000000000000000000000000000000000000000000000000000000000000"
                    + "00000004000000700000000000000000"
                    + "e2792aca000000037261770000000000"
                    + "6803f85700000180"
                    + name(0, 0, "dirty bit")
                    + name(0, 1, "corrupt bit")
                    + name(0, 2, "external data file")
                    + name(0, 3, "compression type")
                    + name(0, 4, "extended L2 entries")
                    + name(1, 0, "lazy refcounts")
                    + name(2, 0, "bitmaps")
                    + name(2, 1, "raw external data")
                    + "0000000000000000"
                    + "622e726177";

    private static String name(int map, int bit, String name) {
        byte[] entry = new byte[48];
        ByteBuffer.wrap(entry).put((byte) map).put((byte) bit).put(ascii(name));
        return HexFormat.of().formatHex(entry);
    }

    /** The same with {@code -o compat=0.10} and 1 MiB. */
    private static final String GOLDEN_V2 =
            "514649fb00000002000000000000006000000005000000100000000000100000"
                    + "0000000000000001000000000003000000000000000100000000000100000000"
                    + "0000000000000000e2792aca000000037261770000000000"
                    + "0000000000000000"
                    + "622e726177";

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] cluster(String hex, int size) {
        byte[] bytes = new byte[size];
        byte[] start = HexFormat.of().parseHex(hex);
        System.arraycopy(start, 0, bytes, 0, start.length);
        return bytes;
    }

    private static Header parse(byte[] cluster) {
        return HeaderCodec.parse("test.qcow2", cluster);
    }

    /** A header of 64 KiB clusters and 1 MiB without extensions. */
    private static byte[] plain() {
        return HeaderCodec.encode("test.qcow2", header(3, 16, 0, 1 << 20, 1));
    }

    private static Header header(int version, int bits, long incompatible, long size, int l1) {
        return new Header(
                version,
                bits,
                size,
                0,
                l1,
                3L << bits,
                1L << bits,
                1,
                0,
                0,
                incompatible,
                0,
                0,
                4,
                version == 2 ? 72 : 112,
                (incompatible & Header.COMPRESSION) == 0 ? 0 : 1,
                new byte[0],
                List.of(),
                "");
    }

    private static byte[] with(byte[] cluster, int offset, int width, long value) {
        ByteBuffer buffer = ByteBuffer.wrap(cluster);
        switch (width) {
            case 1 -> buffer.put(offset, (byte) value);
            case 4 -> buffer.putInt(offset, (int) value);
            default -> buffer.putLong(offset, value);
        }
        return cluster;
    }

    @Test
    void readsAndRewritesVersion3OfQemuByteForByte() {
        byte[] cluster = cluster(GOLDEN_V3, 65536);
        Header header = parse(cluster);
        assertEquals("b.raw", header.backingName());
        assertEquals("raw", header.extensionText(HeaderExtension.BACKING_FORMAT));
        assertEquals(64L << 20, header.virtualSize());
        assertEquals(0x30000, header.l1TableOffset());
        assertEquals(2, header.extensions().size());
        assertArrayEquals(cluster, HeaderCodec.encode("a.qcow2", header));
    }

    @Test
    void readsAndRewritesVersion2OfQemuByteForByte() {
        byte[] cluster = cluster(GOLDEN_V2, 65536);
        Header header = parse(cluster);
        assertEquals("b.raw", header.backingName());
        assertEquals(4, header.refcountOrder());
        assertEquals(72, header.headerLength());
        assertArrayEquals(cluster, HeaderCodec.encode("v2b.qcow2", header));
    }

    @Test
    void clustersUpTo4KiBHaveNoFeatureNames() {
        byte[] small = HeaderCodec.encode("a", header(3, 12, 0, 1 << 20, 2));
        assertEquals(List.of(), parse(small).extensions());
        byte[] large = HeaderCodec.encode("a", header(3, 13, 0, 1 << 20, 2));
        assertEquals(HeaderExtension.FEATURE_NAMES, parse(large).extensions().getFirst().type());
    }

    /** Offset, width, value, and a word that the message must have; every other field is fine. */
    @ParameterizedTest
    @CsvSource({
        "0, 4, 0x514649fa, Image is not in qcow2 format",
        "4, 4, 0, version",
        "4, 4, 1, version",
        "4, 4, 4, version",
        "4, 4, 0xffffffff, version",
        "8, 8, 0x10001, backing_file_offset is 0x10001",
        "8, 8, -1, backing_file_offset",
        "20, 4, 0, cluster_bits is 0",
        "20, 4, 8, cluster_bits is 8",
        "20, 4, 22, cluster_bits is 22",
        "20, 4, 0xffffffff, cluster_bits is 4294967295",
        "24, 8, 0x20000001, l1_size is 1",
        "24, 8, -1, virtual size 18446744073709551615",
        "24, 8, -9223372036854775808, virtual size 9223372036854775808",
        "32, 4, 3, crypt_method",
        "32, 4, 2, LUKS",
        "36, 4, 0, l1_size is 0",
        "36, 4, 0x400001, l1_size is 4194305",
        "36, 4, 0xffffffff, l1_size is 4294967295",
        "40, 8, 0x30001, l1_table_offset is 0x30001",
        "40, 8, 0x7fffffffffffffff, l1_table_offset",
        "40, 8, 0x8000000000000000, l1_table_offset",
        "48, 8, 0x10200, refcount_table_offset is 0x10200",
        "48, 8, 0x7fffffffffff0000, refcount_table_offset",
        "56, 4, 0, refcount_table_clusters is 0",
        "56, 4, 129, refcount_table_clusters is 129",
        "56, 4, 0xffffffff, refcount_table_clusters",
        "60, 4, 65537, nb_snapshots is 65537",
        "60, 4, 0xffffffff, nb_snapshots",
        "64, 8, 1, snapshots_offset is 0x1",
        "72, 8, 0x20, feature: 20",
        "72, 8, 0x8000000000000000, feature: 8000000000000000",
        "72, 8, 8, compression_type is 0",
        "88, 8, 2, raw external data",
        "96, 4, 7, refcount_order is 7",
        "96, 4, 0xffffffff, refcount_order",
        "100, 4, 103, header_length is 103",
        "100, 4, 0, header_length is 0",
        "100, 4, 65537, header_length is 65537",
        "104, 1, 1, compression_type is 1",
    })
    void refusesBadFieldsByName(int offset, int width, String value, String word) {
        long number =
                value.startsWith("0x")
                        ? Long.parseUnsignedLong(value.substring(2), 16)
                        : Long.parseLong(value);
        byte[] cluster = with(plain(), offset, width, number);
        var error = assertThrows(BlockException.class, () -> parse(cluster));
        assertTrue(error.getMessage().contains(word), error.getMessage());
        assertTrue(error.getMessage().startsWith("test.qcow2: header"), error.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "24, 8, 0",
        "24, 8, 0x20000000",
        "32, 4, 1",
        "36, 4, 0x400000",
        "40, 8, 0x7ffffffffffe0000",
        "48, 8, 0x7ffffffffffe0000",
        "56, 4, 128",
        "60, 4, 65536",
        "64, 8, 0x7fffffffffff0000",
        "72, 8, 7",
        "80, 8, -1",
        "88, 8, 0xfffffffffffffffd",
        "96, 4, 0",
        "96, 4, 6",
        "100, 4, 104",
        "100, 4, 105",
        "100, 4, 65536",
        "105, 1, 1",
    })
    void takesFieldsAtTheirEdges(int offset, int width, String value) {
        long number =
                value.startsWith("0x")
                        ? Long.parseUnsignedLong(value.substring(2), 16)
                        : Long.parseLong(value);
        parse(with(plain(), offset, width, number));
    }

    @Test
    void sizesThatAreNoMultipleOf512AreCutOff() {
        assertEquals(512, parse(with(plain(), 24, 8, 1023)).virtualSize());
        assertEquals(0, parse(with(plain(), 24, 8, 511)).virtualSize());
    }

    @Test
    void extendedL2EntriesNeedClustersOf16KiB() {
        byte[] small = HeaderCodec.encode("a", header(3, 13, Header.EXTENDED_L2, 1 << 20, 1));
        assertThrows(BlockException.Corrupt.class, () -> parse(small));
        parse(HeaderCodec.encode("a", header(3, 14, Header.EXTENDED_L2, 1 << 20, 1)));
    }

    @Test
    void unknownIncompatibleBitsAreNamedByTheImage() {
        ByteBuffer table = ByteBuffer.allocate(96);
        table.put(1, (byte) 5).put(2, ascii("never meant"));
        table.put(0, (byte) 1).put(48, (byte) 0).put(49, (byte) 6).put(50, ascii("time travel"));
        byte[] cluster = plain();
        ByteBuffer.wrap(cluster)
                .putLong(72, 7L << 5)
                .putInt(112, HeaderExtension.FEATURE_NAMES)
                .putInt(116, 96)
                .put(120, table.array())
                .putLong(216, 0);
        var error = assertThrows(BlockException.Unsupported.class, () -> parse(cluster));
        assertTrue(
                error.getMessage().endsWith("time travel, Unknown incompatible feature: a0"),
                error.getMessage());
    }

    @Test
    void namesOfBitsThatDoNotExistAreNobodysNames() {
        for (int bit : new int[] {64, 127, 128, 133, 192 + 5, 255}) {
            byte[] cluster = plain();
            ByteBuffer.wrap(cluster)
                    .putLong(72, 1L << 5 | 1L << 63)
                    .putInt(112, HeaderExtension.FEATURE_NAMES)
                    .putInt(116, 48)
                    .put(121, (byte) bit)
                    .put(122, ascii("no such bit"))
                    .putLong(168, 0);
            var error = assertThrows(BlockException.Unsupported.class, () -> parse(cluster));
            assertTrue(
                    error.getMessage().endsWith(": Unknown incompatible feature: 8000000000000020"),
                    error.getMessage());
        }
    }

    @Test
    void unknownFieldsAndExtensionsSurviveARewriteAndTheLastDuplicateWins() {
        byte[] cluster = plain();
        ByteBuffer.wrap(cluster)
                .putInt(100, 120)
                .putLong(112, 0x1234)
                .putInt(120, 0x77777777)
                .putInt(124, 3)
                .put(128, new byte[] {1, 2, 3, 99})
                .putInt(136, HeaderExtension.BACKING_FORMAT)
                .putInt(140, 3)
                .put(144, ascii("raw"))
                .putInt(152, HeaderExtension.BACKING_FORMAT)
                .putInt(156, 5)
                .put(160, ascii("qcow2"))
                .putLong(168, 0);
        Header header = parse(HeaderCodec.encode("a", parse(cluster)));
        assertEquals(120, header.headerLength());
        assertEquals(0x1234, ByteBuffer.wrap(header.unknownFields()).getLong(7));
        assertEquals("qcow2", header.extensionText(HeaderExtension.BACKING_FORMAT));
        assertArrayEquals(new byte[] {1, 2, 3}, header.extension(0x77777777).orElseThrow().data());
    }

    @Test
    void extensionsMustEndBeforeTheirAreaDoes() {
        byte[] tooLong = with(with(plain(), 112, 4, 0x77777777), 116, 4, 65536 - 119);
        assertThrows(BlockException.Corrupt.class, () -> parse(tooLong));
        parse(with(with(plain(), 112, 4, 0x77777777), 116, 4, 65536 - 120));
        byte[] huge = with(with(plain(), 112, 4, 0x77777777), 116, 4, -1);
        assertThrows(BlockException.Corrupt.class, () -> parse(huge));
        byte[] cut = with(with(plain(), 112, 4, 0x77777777), 8, 8, 119);
        assertThrows(BlockException.Corrupt.class, () -> parse(cut));
    }

    @Test
    void backingNamesHaveAtMost1023BytesAndEndAtANul() {
        byte[] longest = with(with(plain(), 8, 8, 4096), 16, 4, 1023);
        Arrays.fill(longest, 4096, 4096 + 1024, (byte) 'x');
        assertEquals(1023, parse(longest).backingName().length());
        assertThrows(BlockException.Corrupt.class, () -> parse(with(longest, 16, 4, 1024)));
        assertEquals("xx", parse(with(with(longest, 16, 4, 9), 4098, 1, 0)).backingName());
        byte[] atTheEnd = with(with(plain(), 8, 8, 65535), 16, 4, 2);
        assertThrows(BlockException.Corrupt.class, () -> parse(atTheEnd));
        assertEquals("", parse(with(with(plain(), 8, 8, 65536), 16, 4, 0)).backingName());
    }

    @Test
    void encryptionPointerAndMethodNeedEachOther() {
        byte[] luks = with(plain(), 32, 4, 2);
        ByteBuffer.wrap(luks)
                .putInt(112, HeaderExtension.ENCRYPTION_HEADER)
                .putInt(116, 16)
                .putLong(120, 0x40000)
                .putLong(128, 1000)
                .putLong(136, 0);
        assertEquals(2, parse(luks).cryptMethod());
        byte[] unaligned = with(luks.clone(), 120, 8, 0x40200);
        assertThrows(BlockException.Corrupt.class, () -> parse(unaligned));
        byte[] shorter = with(luks.clone(), 116, 4, 15);
        assertThrows(BlockException.Corrupt.class, () -> parse(shorter));
        byte[] notLuks = with(luks.clone(), 32, 4, 0);
        assertThrows(BlockException.Corrupt.class, () -> parse(notLuks));
    }

    @Test
    void whatDoesNotFitInTheFirstClusterIsRefused() {
        Header small = header(3, 9, 0, 4096, 1);
        Header named =
                new Header(
                        3,
                        9,
                        4096,
                        0,
                        1,
                        1536,
                        512,
                        1,
                        0,
                        0,
                        0,
                        0,
                        0,
                        4,
                        112,
                        0,
                        new byte[0],
                        List.of(),
                        "n".repeat(392));
        assertEquals(392, parse(HeaderCodec.encode("a", named)).backingName().length());
        Header tooLong =
                new Header(
                        3,
                        9,
                        4096,
                        0,
                        1,
                        1536,
                        512,
                        1,
                        0,
                        0,
                        0,
                        0,
                        0,
                        4,
                        112,
                        0,
                        new byte[0],
                        List.of(),
                        "n".repeat(393));
        assertThrows(BlockException.Unsupported.class, () -> HeaderCodec.encode("a", tooLong));
        assertEquals(small.l1TableOffset(), parse(HeaderCodec.encode("a", small)).l1TableOffset());
    }
}
