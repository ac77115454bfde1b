package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Snapshot tables that lie. The active state stays readable where the table only lies of others.
 */
class HostileSnapshotsTest {
    private static final String GOLDEN = "everything-4k";

    private static Patient with(Consumer<Specimen> damage) {
        return Patient.of(GOLDEN, damage);
    }

    private static long table(Specimen image) {
        return image.get(HeaderField.SNAPSHOTS_OFFSET);
    }

    /** Opens and reads the active state, but not snapshot 1. */
    private static void onlySnapshotFails(Patient patient, String... words) {
        Map<String, String> outcome = patient.survives();
        assertEquals(Exercise.FINE, outcome.get("read"), outcome::toString);
        String message = outcome.getOrDefault("snapshot 1", "not tried");
        assertNotEquals(Exercise.FINE, message, outcome::toString);
        Patient.assertWords(message, words);
    }

    @Test
    void snapshotL1LargerThanTheLimit() {
        for (long entries : new long[] {0xffff_ffffL, 0x2000_0001L, (32 << 20) / 8 + 1}) {
            Patient patient = with(image -> image.putU32(table(image) + 8, entries));
            onlySnapshotFails(patient, "snapshot");
            patient.checksLikeQemu();
        }
    }

    @Test
    void snapshotL1LargerThanTheFile() {
        // Only the entries that the disk needs are read, so the rest may lie where it likes.
        Patient patient = with(image -> image.putU32(table(image) + 8, (32 << 20) / 8));
        patient.opensAndReads();
        patient.checksLikeQemu();
    }

    @Test
    void snapshotL1PastTheEndOfTheFile() {
        onlySnapshotFails(with(image -> image.putU64(table(image), 1L << 40)), "truncated");
    }

    @Test
    void snapshotL1AtAStrangeOffset() {
        for (long offset : new long[] {1, 0x200, 0x1234, -4095, Long.MAX_VALUE}) {
            Patient patient = with(image -> image.putU64(table(image), offset));
            onlySnapshotFails(patient, "snapshot");
            patient.checksLikeQemu();
        }
        for (long offset : new long[] {-4096, Long.MIN_VALUE}) {
            // QEMU's check gives up here with an I/O error; ours goes on and counts it.
            onlySnapshotFails(with(image -> image.putU64(table(image), offset)), "snapshot");
        }
    }

    @Test
    void snapshotL1OverOtherMetadata() {
        with(image -> image.putU64(table(image), 0)).checksLikeQemu();
        with(image -> image.putU64(table(image), image.get(HeaderField.L1_OFFSET)))
                .checksLikeQemu();
    }

    @Test
    void tableThatBeginsPastTheEndOfTheFile() {
        with(image -> image.put(HeaderField.SNAPSHOTS_OFFSET, 0x4000_0000L)).refuses("snapshot");
    }

    @Test
    void extraDataLongerThanTheLimit() {
        with(image -> image.putU32(table(image) + 36, 1025)).refuses("snapshot", "extra");
        with(image -> image.putU32(table(image) + 36, 0xffff_ffffL)).refuses("snapshot", "extra");
    }

    @Test
    void extraDataTooShortForVersionThree() {
        with(image -> image.putU32(table(image) + 36, 8)).survives();
    }

    @Test
    void idAndNameAsLongAsTheFieldsAllow() {
        with(image -> image.putU16(table(image) + 12, 0xffff)).survives();
        with(image -> image.putU16(table(image) + 14, 0xffff)).survives();
    }

    @Test
    void tableOfMoreThanSixtyFourMebibytes() {
        with(image ->
                        image.put(HeaderField.SNAPSHOT_COUNT, 65_536)
                                .putU16(table(image) + 14, 0xffff))
                .survives();
    }

    @Test
    void snapshotsTogetherWithADataFile() {
        Specimen image = Golden.named("everything-4k").specimen();
        image.put(HeaderField.INCOMPATIBLE, 4);
        Patient.of(image).survives();
    }

    @Test
    void diskSizeOfASnapshotThatIsAbsurd() {
        for (long size : new long[] {-1, Long.MIN_VALUE, 1L << 62, 1, 511}) {
            Patient patient = with(image -> image.putU64(table(image) + 48, size));
            patient.opensAndReads();
        }
    }
}
