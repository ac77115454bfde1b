package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.Gaur;
import dev.gaur.format.InspectionReport;
import dev.gaur.format.InspectionReport.Look;
import dev.gaur.format.InspectionReport.Referral;
import dev.gaur.format.InspectionReport.Topic;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectorTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final int CLUSTER = 65536;

    /** An empty image of QEMU's layout: header, refcount table, block, L1 table. */
    private static ByteBuffer qcow2() {
        ByteBuffer image = ByteBuffer.allocate(4 * CLUSTER);
        image.putInt(0, 0x514649fb).putInt(4, 3).putInt(20, 16).putLong(24, 1 << 20);
        image.putInt(36, 1).putLong(40, 3 * CLUSTER);
        image.putLong(48, CLUSTER).putInt(56, 1).putInt(96, 4).putInt(100, 112);
        image.putLong(CLUSTER, 2 * CLUSTER);
        for (int i = 0; i < 4; i++) {
            image.putShort(2 * CLUSTER + 2 * i, (short) 1);
        }
        return image;
    }

    private static InspectionReport inspect(ByteBuffer content) {
        try (MemoryStorage storage = new MemoryStorage("image", content.array())) {
            return Inspector.inspect(storage);
        }
    }

    private static Set<Topic> topics(ByteBuffer content) {
        return Set.copyOf(
                inspect(content).findings().stream().map(InspectionReport.Finding::topic).toList());
    }

    private static ByteBuffer withBacking(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer image = qcow2().putLong(8, 1024).putInt(16, bytes.length);
        return image.put(1024, bytes);
    }

    @Test
    void soundImageHasNoFindings() {
        InspectionReport report = inspect(qcow2());
        assertEquals("qcow2", report.format());
        assertEquals(OptionalLong.of(1 << 20), report.virtualSize());
        assertEquals(Set.of(), topics(qcow2()));
        assertTrue(report.isSafe());
    }

    @ParameterizedTest
    @CsvSource({
        "base.qcow2, ''",
        "/etc/passwd, ABSOLUTE_PATH",
        "../../etc/passwd, TRAVERSAL",
        "/dev/sda, ABSOLUTE_PATH DEVICE_NODE",
        "//./dev/sda, ABSOLUTE_PATH DEVICE_NODE",
        "nbd:localhost:10809, PROTOCOL",
        "file:/etc/passwd, PROTOCOL ABSOLUTE_PATH",
        "'json:{\"driver\":\"file\"}', JSON",
        "./a:b, ''",
    })
    void saysWhatABackingFileLooksLike(String name, String looks) {
        InspectionReport report = inspect(withBacking(name));
        Referral referral = report.referrals().getFirst();
        assertEquals(Reference.Kind.BACKING_FILE, referral.reference().kind());
        assertEquals(name, referral.reference().name());
        Set<String> wanted = looks.isEmpty() ? Set.of() : Set.of(looks.split(" "));
        assertEquals(wanted, Set.copyOf(referral.looks().stream().map(Look::name).toList()));
        assertFalse(report.isSafe());
    }

    @Test
    void dataFileIsFoundByNameAndByFeature() {
        ByteBuffer named = qcow2().putInt(112, 0x44415441).putInt(116, 4);
        named.put(120, "data".getBytes(StandardCharsets.UTF_8));
        assertEquals("data", inspect(named).referrals().getFirst().reference().name());
        assertTrue(topics(qcow2().putLong(72, 4)).contains(Topic.DATA_FILE));
    }

    @Test
    void unknownFeatureDoesNotHideTheBackingFile() {
        Set<Topic> topics = topics(withBacking("x").putLong(72, 1L << 40));
        assertTrue(topics.contains(Topic.UNKNOWN_FEATURE), topics::toString);
        assertTrue(topics.contains(Topic.BACKING_FILE), topics::toString);
        assertTrue(topics.contains(Topic.INVALID_HEADER), topics::toString);
    }

    @Test
    void eachKindOfDamageHasItsTopic() {
        assertEquals(Set.of(Topic.DIRTY), topics(qcow2().putLong(72, 1)));
        assertEquals(Set.of(Topic.CORRUPT), topics(qcow2().putLong(72, 2)));
        assertTrue(topics(qcow2().putInt(32, 1)).contains(Topic.ENCRYPTED));
        assertTrue(
                topics(qcow2().putLong(40, 2 * CLUSTER).putLong(48, 2 * CLUSTER))
                        .contains(Topic.OVERLAP));
        assertTrue(topics(qcow2().putLong(40, 1L << 40)).contains(Topic.TRUNCATED));
        assertTrue(topics(qcow2().putLong(40, 512)).contains(Topic.INVALID_HEADER));
        assertTrue(topics(qcow2().putLong(3 * CLUSTER, 512)).contains(Topic.BAD_OFFSET));
        assertTrue(topics(qcow2().putLong(3 * CLUSTER, 1L << 40)).contains(Topic.TRUNCATED));
        assertTrue(topics(qcow2().putLong(CLUSTER + 8, 1)).contains(Topic.BAD_OFFSET));
        assertEquals(
                Set.of(Topic.TRAILING_DATA), topics(qcow2().putShort(2 * CLUSTER + 6, (short) 0)));
        assertTrue(topics(qcow2().putInt(36, 1 << 20)).contains(Topic.HUGE_TABLE));
        assertTrue(
                topics(qcow2().putLong(24, 1L << 50).putInt(36, 1 << 21))
                        .contains(Topic.HUGE_DISK));
        assertTrue(topics(qcow2().putInt(60, 70000)).contains(Topic.INVALID_HEADER));
    }

    @ParameterizedTest
    @CsvSource({
        "vmdk, 0, KDMV",
        "vmdk, 0, '# Disk DescriptorFile'",
        "vhdx, 0, vhdxfile",
        "vpc, 0, conectix",
        "vpc, 99488, conectix",
        "qed, 0, 'QED\0'",
        "iso, 32769, CD001",
        "gpt, 512, 'EFI PART'",
        "raw, 17, CD001",
    })
    void recognisesFormatsByTheirSigns(String format, int offset, String sign) {
        ByteBuffer file = ByteBuffer.allocate(100_000);
        file.put(offset, sign.getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(format, inspect(file).format());
    }

    @Test
    void partitionTableIsAPlainDisk() {
        ByteBuffer disk = ByteBuffer.allocate(100_000);
        disk.put(510, (byte) 0x55).put(511, (byte) 0xaa).put(446 + 4, (byte) 0x83);
        assertEquals("mbr", inspect(disk).format());
        assertTrue(inspect(disk).isSafe());
    }

    @Test
    void fileOfTwoFormatsIsADanger() {
        ByteBuffer image = qcow2().put(0x8001, "CD001".getBytes(StandardCharsets.UTF_8));
        assertEquals(Set.of(Topic.AMBIGUOUS), topics(image));
    }

    @Test
    void shortFilesAreRaw() {
        for (int length : new int[] {0, 1, 4, 511, 512, 513}) {
            assertEquals("raw", inspect(ByteBuffer.allocate(length)).format());
        }
        assertEquals("qcow2", inspect(ByteBuffer.allocate(4).putInt(0, 0x514649fb)).format());
    }

    @Test
    void anyHeaderEndsInAReport() {
        Random random = new Random(SEED);
        for (int i = 0; i < 3000; i++) {
            ByteBuffer image = qcow2();
            for (int j = random.nextInt(4); j >= 0; j--) {
                int at = random.nextBoolean() ? random.nextInt(160) : random.nextInt(4 * CLUSTER);
                image.put(at, (byte) (random.nextBoolean() ? random.nextInt() : 0xff));
            }
            image.putInt(0, 0x514649fb);
            int number = i;
            assertEquals(
                    "qcow2", inspect(image).format(), () -> "case " + number + ", seed " + SEED);
        }
    }

    @Test
    void facadeReadsAFile(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("a.img"), qcow2().array());
        assertTrue(Gaur.inspect(file).isSafe());
        assertEquals(file.toString(), Gaur.inspect(file).name());
    }
}
