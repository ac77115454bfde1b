package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Specimen;
import dev.gaur.verify.zoo.Specimen.Region;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Files cut at the boundary of each structure, a byte before and a byte after. Gaur names the place
 * where the file ends and what was needed, or reads what is there.
 */
class TruncationTest {
    @ParameterizedTest
    @MethodSource("dev.gaur.verify.hostile.Golden#all")
    void cutAtEachBoundaryIsSurvived(Golden golden) {
        Specimen whole = golden.specimen();
        TreeSet<Long> lengths = new TreeSet<>();
        for (Region region : whole.regions()) {
            for (long edge : new long[] {region.offset(), region.end()}) {
                lengths.add(edge - 1);
                lengths.add(edge);
                lengths.add(edge + 1);
            }
        }
        lengths.removeIf(length -> length < 0 || length >= whole.length());
        Random random = new Random(ImageZoo.SEED);
        for (long length : lengths) {
            // All metadata edges; of the many data clusters' some.
            if (length < 8L * whole.clusterSize() || random.nextInt(4) == 0) {
                cut(golden, length);
            }
        }
    }

    private static void cut(Golden golden, long length) {
        try {
            Patient.of(golden.name(), image -> image.resize(length)).survives();
        } catch (Throwable e) {
            throw new AssertionError(golden + " cut to " + length + " bytes", e);
        }
    }

    /** Says the length of the file and what was needed, both as numbers. */
    private static void saysWhere(String message, long length) {
        Patient.assertWords(message, "truncated", "ends at", "needed");
        boolean hex = message.contains("0x" + Long.toHexString(length));
        assertTrue(hex || message.contains(Long.toString(length)), length + " not in: " + message);
    }

    @Test
    void fileThatEndsBeforeTheL1Table() {
        Specimen image = Golden.named("rc1-4k").specimen();
        long length = image.get(HeaderField.L1_OFFSET) + 4;
        Map<String, String> outcome =
                Patient.of("rc1-4k", specimen -> specimen.resize(length)).survives();
        saysWhere(outcome.getOrDefault("read", ""), length);
    }

    @Test
    void fileThatEndsBeforeAnL2Table() {
        Specimen image = Golden.named("rc1-4k").specimen();
        long table = image.l2Table(0);
        Map<String, String> outcome =
                Patient.of("rc1-4k", specimen -> specimen.resize(table)).survives();
        assertEquals(Exercise.FINE, outcome.get("open"));
        saysWhere(outcome.getOrDefault("read", ""), table);
    }

    @Test
    void fileThatEndsBeforeADataCluster() {
        Specimen image = Crafted.withL2(12, 1 << 20, 1);
        long cluster = Crafted.append(image, 1);
        image.putU64(image.l2Table(0), cluster | Crafted.COPIED);
        Map<String, String> outcome = Patient.of(image.resize(cluster)).survives();
        saysWhere(outcome.getOrDefault("read", ""), cluster);
    }

    @Test
    void fileThatEndsWithinADataClusterReadsZerosThere() {
        Specimen image = Crafted.withL2(12, 1 << 20, 1);
        long cluster = Crafted.append(image, 1);
        image.putU64(image.l2Table(0), cluster | Crafted.COPIED).resize(cluster + 1);
        Patient.of(image).opensAndReads();
    }

    @Test
    void fileThatEndsWithinACompressedCluster() {
        Path folder = ImageZoo.workshop("cut-compressed");
        Peer.must(folder, "qemu-img", "create", "-q", "-f", "qcow2", "image.qcow2", "1M");
        Path image = folder.resolve("image.qcow2");
        Peer.qemuIo(image, "qcow2", java.util.List.of("write -c -s words 0 64k"));
        Specimen specimen = Specimen.read(image);
        long at = specimen.u64(specimen.l2EntryAt(0)) & ((1L << 54) - 1);
        long length = at + 1000;
        Map<String, String> outcome = Patient.of(specimen.resize(length)).survives();
        saysWhere(outcome.getOrDefault("read", ""), length);
    }

    @Test
    void fileShorterThanTheHeader() {
        for (int length : new int[] {0, 1, 3, 4, 71, 72, 100, 103, 104, 111}) {
            Specimen image = Crafted.empty(12, 1 << 20, 1).resize(length);
            Map<String, String> outcome = Patient.of(image).survives();
            assertNotEquals(Exercise.FINE, outcome.get("read"), "reads with " + length);
        }
    }

    /** The checksum of an untouched image, so that a test that damages nothing would be noticed. */
    @Test
    void goldenImagesAreWhole() {
        for (Golden golden : Golden.all()) {
            CRC32 checksum = new CRC32();
            checksum.update(golden.specimen().bytes());
            Patient.of(golden.name(), _ -> {}).opensAndReads();
            CRC32 after = new CRC32();
            after.update(golden.specimen().bytes());
            assertEquals(checksum.getValue(), after.getValue(), golden.name());
        }
    }
}
