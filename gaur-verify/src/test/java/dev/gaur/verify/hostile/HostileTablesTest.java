package dev.gaur.verify.hostile;

import static dev.gaur.verify.zoo.Specimen.isCompressed;
import static dev.gaur.verify.zoo.Specimen.isNormal;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import dev.gaur.verify.zoo.Specimen.Kind;
import dev.gaur.verify.zoo.Specimen.Region;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Mapping and counting tables that contradict each other. The check must come to the verdict and
 * the counters of {@code qemu-img check}; reading must end with data or a clear error.
 */
class HostileTablesTest {
    private static final String GOLDEN = "everything-4k";
    private static final long COPIED = Crafted.COPIED;

    private static void checked(Consumer<Specimen> damage) {
        Patient.of(GOLDEN, damage).checksLikeQemu();
    }

    private static Region first(Specimen image, Kind kind) {
        return image.regions().stream()
                .filter(region -> region.kind() == kind)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + kind));
    }

    private static long normalEntry(Specimen image) {
        return image.l2EntryAt(image.firstGuest(Specimen::isNormal));
    }

    private static long unallocatedEntry(Specimen image) {
        return image.l2EntryAt(image.firstGuest(entry -> entry == 0));
    }

    /** Points the first normal L2 entry at a structure. */
    private static void pointDataAt(Specimen image, Kind kind) {
        long target = first(image, kind).offset() / image.clusterSize() * image.clusterSize();
        image.putU64(normalEntry(image), target | COPIED);
    }

    @Test
    void dataClusterOverEachKindOfMetadata() {
        for (Kind kind :
                new Kind[] {
                    Kind.HEADER,
                    Kind.L1_TABLE,
                    Kind.L2_TABLE,
                    Kind.REFCOUNT_TABLE,
                    Kind.REFCOUNT_BLOCK,
                    Kind.SNAPSHOT_TABLE,
                    Kind.BITMAP_DIRECTORY,
                    Kind.BITMAP_TABLE
                }) {
            checked(image -> pointDataAt(image, kind));
        }
    }

    @Test
    void l1EntryThatPointsAtEachKindOfStructure() {
        for (Kind kind : new Kind[] {Kind.L1_TABLE, Kind.REFCOUNT_BLOCK, Kind.REFCOUNT_TABLE}) {
            checked(
                    image -> {
                        long at = first(image, kind).offset();
                        image.putU64(image.l1EntryAt(0), at | COPIED);
                    });
        }
    }

    @Test
    void l2TableThatMapsItself() {
        checked(image -> image.putU64(normalEntry(image), image.l2Table(0) | COPIED));
    }

    @Test
    void twoL1EntriesWithOneL2Table() {
        Specimen image = Crafted.withL2(12, 4 << 20, 2);
        image.putU64(image.l1EntryAt(1), image.u64(image.l1EntryAt(0)));
        image.putU64(image.l2Table(0), Crafted.append(image, 1) | COPIED);
        Patient.of(image).checksLikeQemu();
    }

    @Test
    void l1EntryNotAligned() {
        Patient damaged =
                Patient.of(
                        GOLDEN,
                        image -> image.putU64(image.l1EntryAt(0), image.l2Table(0) + 512 | COPIED));
        damaged.failsToRead("l2 table", "multiple of the cluster size");
        damaged.checksLikeQemu();
    }

    @Test
    void l2EntryNotAligned() {
        Patient damaged =
                Patient.of(
                        GOLDEN,
                        image ->
                                image.putU64(
                                        normalEntry(image), image.u64(normalEntry(image)) + 512));
        damaged.failsToRead("multiple of the cluster size");
        damaged.checksLikeQemu();
    }

    @Test
    void zeroClusterWhoseReservedPlaceIsNotAligned() {
        checked(
                image ->
                        image.putU64(
                                normalEntry(image), (image.u64(normalEntry(image)) | 1) + 512));
    }

    @Test
    void l1EntryPastTheEndOfTheFile() {
        Patient damaged =
                Patient.of(
                        GOLDEN,
                        image -> image.putU64(image.l1EntryAt(0), 0x00ff_ffff_ffff_f000L | COPIED));
        damaged.failsToRead("truncated");
        damaged.checksLikeQemu();
    }

    @Test
    void l2EntryPastTheEndOfTheFile() {
        Patient damaged =
                Patient.of(
                        GOLDEN,
                        image -> image.putU64(normalEntry(image), 0x00ff_ffff_ffff_f000L | COPIED));
        damaged.failsToRead("truncated");
        damaged.checksLikeQemu();
    }

    @Test
    void reservedBitsInEntries() {
        checked(image -> image.putU64(image.l1EntryAt(0), image.u64(image.l1EntryAt(0)) | 0x100));
        checked(
                image ->
                        image.putU64(image.l1EntryAt(0), image.u64(image.l1EntryAt(0)) | 1L << 60));
        checked(
                image ->
                        image.putU64(normalEntry(image), image.u64(normalEntry(image)) | 1L << 57));
        checked(image -> image.putU64(normalEntry(image), image.u64(normalEntry(image)) | 0x80));
    }

    @Test
    void copiedFlagThatDisagreesWithTheCount() {
        checked(image -> image.putU64(normalEntry(image), image.u64(normalEntry(image)) ^ COPIED));
        checked(image -> image.putU64(image.l1EntryAt(0), image.u64(image.l1EntryAt(0)) ^ COPIED));
    }

    @Test
    void countTooHighOrTooLowOrZero() {
        for (int count : new int[] {0, 1, 2, 5, 0xffff}) {
            checked(
                    image -> {
                        long host = image.u64(normalEntry(image)) & 0x00ff_ffff_ffff_fe00L;
                        image.putU16(image.refcountAt(host), count);
                    });
        }
    }

    @Test
    void headerThatIsNotCounted() {
        checked(image -> image.putU16(image.refcountAt(0), 0));
    }

    @Test
    void refcountTableEntryThatIsUnalignedOrReservedOrEmpty() {
        for (long entry : new long[] {0, 0x1200, 0x100, 1, 1L << 63, 0x00ff_ffff_ffff_f000L, -1}) {
            checked(image -> image.putU64(image.get(HeaderField.REFCOUNT_TABLE_OFFSET), entry));
        }
    }

    @Test
    void refcountBlockInClusterZero() {
        checked(image -> image.putU64(image.get(HeaderField.REFCOUNT_TABLE_OFFSET) + 8, 0x1));
        checked(image -> pointSecondRefcountBlockAt(image, 0x200));
    }

    @Test
    void refcountBlockThatIsAlsoSomethingElse() {
        checked(image -> pointSecondRefcountBlockAt(image, first(image, Kind.L1_TABLE).offset()));
        checked(
                image ->
                        pointSecondRefcountBlockAt(
                                image, first(image, Kind.REFCOUNT_BLOCK).offset()));
        checked(image -> pointSecondRefcountBlockAt(image, first(image, Kind.DATA).offset()));
    }

    private static void pointSecondRefcountBlockAt(Specimen image, long offset) {
        image.putU64(image.get(HeaderField.REFCOUNT_TABLE_OFFSET) + 8, offset);
    }

    @Test
    void refcountBlockFullOfZeros() {
        checked(
                image -> {
                    Region block = first(image, Kind.REFCOUNT_BLOCK);
                    image.putBytes(block.offset(), new byte[(int) block.length()]);
                });
    }

    @Test
    void compressedClusterThatIsNotCounted() {
        checked(
                image -> {
                    long entry =
                            image.u64(image.l2EntryAt(image.firstGuest(Specimen::isCompressed)));
                    image.putU16(image.refcountAt(entry & (1L << 54) - 1), 0);
                });
    }

    @Test
    void compressedClusterPastTheEndOfTheFile() {
        Patient damaged =
                Patient.of(
                        GOLDEN,
                        image ->
                                image.putU64(
                                        image.l2EntryAt(image.firstGuest(e -> isCompressed(e))),
                                        Crafted.COMPRESSED | 0x7000_0000L));
        damaged.failsToRead("truncated");
        damaged.checksLikeQemu();
    }

    @Test
    void compressedClusterWithTheCopiedFlag() {
        checked(
                image -> {
                    long at = image.l2EntryAt(image.firstGuest(Specimen::isCompressed));
                    image.putU64(at, image.u64(at) | COPIED);
                });
    }

    @Test
    void compressedClusterInsideMetadata() {
        checked(
                image ->
                        image.putU64(
                                unallocatedEntry(image), Crafted.COMPRESSED | image.l2Table(0)));
    }

    @Test
    void subclusterBothAllocatedAndZero() {
        Patient damaged =
                Patient.of(
                        "ext-16k",
                        image -> {
                            long at = image.l2EntryAt(image.firstGuest(e -> isNormal(e)));
                            image.putU64(at + 8, 0x0000_0001_0000_0001L);
                        });
        damaged.failsToRead("subcluster");
        damaged.checksLikeQemu();
    }

    @Test
    void subclusterAllocatedWithoutAPlace() {
        Patient damaged =
                Patient.of(
                        "ext-16k",
                        image -> {
                            long at = image.l2EntryAt(image.firstGuest(e -> isNormal(e)));
                            image.putU64(at, 0).putU64(at + 8, 1L << 31);
                        });
        damaged.failsToRead("subcluster");
        damaged.checksLikeQemu();
    }

    @Test
    void compressedClusterWithASubclusterBitmap() {
        Patient.of(
                        "ext-16k",
                        image -> {
                            long at = normalEntry(image);
                            long host = image.u64(at) & 0x00ff_ffff_ffff_fe00L;
                            image.putU64(at, Crafted.COMPRESSED | host).putU64(at + 8, 1);
                        })
                .checksLikeQemu();
    }

    @Test
    void zeroFlagInVersionTwo() {
        Patient damaged = Patient.of("v2-4k", image -> image.putU64(unallocatedEntry(image), 1));
        damaged.failsToRead("zero", "version 2");
        damaged.checksLikeQemu();
    }

    @Test
    void dataFileClusterAtAnotherPlaceThanItsGuestOffset() {
        Patient damaged =
                Patient.of(
                        "data-4k",
                        image -> {
                            long guest = image.firstGuest(e -> isNormal(e));
                            long at = image.l2EntryAt(guest);
                            image.putU64(at, image.u64(at) + 4096);
                        });
        damaged.failsToRead("data file");
        damaged.checksLikeQemu();
    }

    @Test
    void compressedClusterWithADataFile() {
        Patient damaged =
                Patient.of(
                        "data-4k",
                        image ->
                                image.putU64(
                                        image.l2EntryAt(image.firstGuest(e -> isNormal(e))),
                                        Crafted.COMPRESSED | 0x5000));
        damaged.failsToRead("data file");
        damaged.checksLikeQemu();
    }

    @Test
    void dirtyAndCorruptAtOnce() {
        Patient damaged = Patient.of(GOLDEN, image -> image.put(HeaderField.INCOMPATIBLE, 3));
        damaged.opensAndReads();
        damaged.checksLikeQemu();
    }
}
