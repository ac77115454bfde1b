package dev.gaur.verify.hostile;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import org.junit.jupiter.api.Test;

/** Absurd sizes in the header: refused before memory is allocated for them. */
class HostileSizesTest {
    private static final String GOLDEN = "everything-4k";

    private static Patient with(HeaderField field, long value) {
        return Patient.of(GOLDEN, image -> image.put(field, value));
    }

    @Test
    void l1SizeThatOverflowsWhenMultipliedByEight() {
        with(HeaderField.L1_SIZE, 0x2000_0001L).refuses("l1");
        with(HeaderField.L1_SIZE, 0xffff_ffffL).refuses("l1");
    }

    @Test
    void l1TableOneEntryLargerThanTheLimit() {
        with(HeaderField.L1_SIZE, (32 << 20) / 8 + 1).refuses("l1");
    }

    @Test
    void l1TableAtTheLimitTakesNoMemoryForWhatTheDiskDoesNotNeed() {
        with(HeaderField.L1_SIZE, (32 << 20) / 8).survives();
    }

    @Test
    void l1TablePastTheEndOfTheFile() {
        with(HeaderField.L1_OFFSET, 0x7fff_ffff_ffff_f000L).failsToRead("l1 table", "truncated");
    }

    @Test
    void l1TableTooSmallForTheVirtualSize() {
        with(HeaderField.L1_SIZE, 0).refuses("l1");
    }

    @Test
    void tableThatEndsBeyondTwoToTheSixtyThree() {
        long last = 0x7fff_ffff_ffff_f000L;
        Patient.of(
                        GOLDEN,
                        image ->
                                image.put(HeaderField.L1_OFFSET, last)
                                        .put(HeaderField.L1_SIZE, 513))
                .refuses("l1");
        Patient.of(
                        GOLDEN,
                        image ->
                                image.put(HeaderField.SNAPSHOTS_OFFSET, last)
                                        .put(HeaderField.SNAPSHOT_COUNT, 103))
                .refuses("snapshot");
        with(HeaderField.REFCOUNT_TABLE_OFFSET, last).refuses("refcount");
    }

    @Test
    void offsetThatLooksNegative() {
        with(HeaderField.L1_OFFSET, 0x8000_0000_0000_0000L).refuses("l1");
        with(HeaderField.REFCOUNT_TABLE_OFFSET, -4096).refuses("refcount");
        with(HeaderField.SNAPSHOTS_OFFSET, -4096).refuses("snapshot");
        with(HeaderField.BACKING_OFFSET, -8).refuses("backing");
        with(HeaderField.SIZE, -1).refuses("size");
    }

    @Test
    void tableThatIsNotAligned() {
        with(HeaderField.L1_OFFSET, 0x1200).refuses("l1");
        with(HeaderField.REFCOUNT_TABLE_OFFSET, 0x1200).refuses("refcount");
        with(HeaderField.SNAPSHOTS_OFFSET, 0x1200).refuses("snapshot");
    }

    @Test
    void refcountTableThatIsHugeOrAbsent() {
        with(HeaderField.REFCOUNT_TABLE_CLUSTERS, 0x7fff_ffff).refuses("refcount");
        with(HeaderField.REFCOUNT_TABLE_CLUSTERS, (8 << 20) / 4096 + 1).refuses("refcount");
        with(HeaderField.REFCOUNT_TABLE_CLUSTERS, 0).refuses("refcount");
    }

    @Test
    void refcountTableAtTheLimitDoesNoHarm() {
        with(HeaderField.REFCOUNT_TABLE_CLUSTERS, (8 << 20) / 4096).survives();
    }

    @Test
    void hugeHeader() {
        with(HeaderField.HEADER_LENGTH, 0xffff_ffffL).refuses("header_length");
        with(HeaderField.HEADER_LENGTH, 4097).refuses("header_length");
        with(HeaderField.HEADER_LENGTH, 103).refuses("header_length");
    }

    @Test
    void backingNameLongerThanAnyName() {
        Patient.of("overlay-4k", image -> image.put(HeaderField.BACKING_SIZE, 1024))
                .refuses("backing");
        Patient.of("overlay-4k", image -> image.put(HeaderField.BACKING_SIZE, 0xffff_ffffL))
                .refuses("backing");
    }

    @Test
    void backingNameThatLeavesTheFirstCluster() {
        Patient.of(
                        "overlay-4k",
                        image ->
                                image.put(HeaderField.BACKING_OFFSET, 4090)
                                        .put(HeaderField.BACKING_SIZE, 20))
                .refuses("backing");
    }

    @Test
    void tooManySnapshots() {
        with(HeaderField.SNAPSHOT_COUNT, 65_537).refuses("snapshots");
        with(HeaderField.SNAPSHOT_COUNT, 0xffff_ffffL).refuses("snapshots");
    }

    @Test
    void moreSnapshotsThanTheFileHolds() {
        with(HeaderField.SNAPSHOT_COUNT, 65_536).survives();
    }

    @Test
    void twoExbibytesOfVirtualDiskInOneMebibyte() {
        Specimen image = Crafted.empty(21, 1L << 61, (int) (1L << 61 >>> 39));
        Patient.of(image.resize(1 << 20)).failsToRead("l1", "truncated");
        Specimen sparse = Crafted.empty(21, 1L << 50, 1 << 11);
        Patient.of(sparse).opensAndReads();
    }

    @Test
    void clusterBitsOutOfRange() {
        for (long bits : new long[] {0, 1, 8, 22, 31, 32, 63, 64, 0xffff_ffffL}) {
            with(HeaderField.CLUSTER_BITS, bits).refuses("cluster_bits");
        }
    }

    @Test
    void refcountOrderOutOfRange() {
        with(HeaderField.REFCOUNT_ORDER, 7).refuses("refcount_order");
        with(HeaderField.REFCOUNT_ORDER, 0x8000_0000L).refuses("refcount_order");
    }

    @Test
    void subclustersSmallerThanASector() {
        Patient.of("everything-4k", image -> image.put(HeaderField.INCOMPATIBLE, 16))
                .refuses("cluster_bits");
    }

    @Test
    void unknownIncompatibleBitsAreRefusedByName() {
        with(HeaderField.INCOMPATIBLE, 1L << 63).refuses("incompatible", "8000000000000000");
        with(HeaderField.INCOMPATIBLE, 1L << 5).refuses("incompatible", "20");
    }
}
