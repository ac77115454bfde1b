package dev.gaur.verify.hostile;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import dev.gaur.verify.zoo.Specimen.Kind;
import java.util.function.ObjLongConsumer;
import org.junit.jupiter.api.Test;

/**
 * Bitmap directories that lie. QEMU refuses to open such images; Gaur reads the disk all the same,
 * for a broken bitmap says nothing about the data.
 */
class HostileBitmapsTest {
    /** Damages the image, given where its bitmap directory begins; the disk stays readable. */
    private static void stillReads(ObjLongConsumer<Specimen> damage) {
        Patient.of("everything-4k", image -> damage.accept(image, directory(image)))
                .opensAndReads();
    }

    private static long directory(Specimen image) {
        return image.regions().stream()
                .filter(region -> region.kind() == Kind.BITMAP_DIRECTORY)
                .findFirst()
                .orElseThrow()
                .offset();
    }

    /** Where the data of the bitmaps extension begins. */
    private static long extension(Specimen image) {
        long at = image.headerLength();
        while (image.u32(at) != 0x23852875) {
            at += 8 + (image.u32(at + 4) + 7) / 8 * 8;
        }
        return at + 8;
    }

    @Test
    void emptyName() {
        stillReads((image, at) -> image.putU16(at + 18, 0));
    }

    @Test
    void nameLongerThanTheLimit() {
        stillReads((image, at) -> image.putU16(at + 18, 0xffff));
    }

    @Test
    void granularityThatCannotBeShifted() {
        for (int bits : new int[] {0, 8, 32, 63, 64, 200, 255}) {
            stillReads((image, at) -> image.putU8(at + 17, bits));
        }
    }

    @Test
    void unknownTypeOrFlags() {
        stillReads((image, at) -> image.putU8(at + 16, 2));
        stillReads((image, at) -> image.putU32(at + 12, 0xffff_fff8L));
    }

    @Test
    void hugeTable() {
        stillReads((image, at) -> image.putU32(at + 8, 0xffff_ffffL));
        stillReads((image, at) -> image.putU32(at + 8, 0x0800_0001L));
    }

    @Test
    void tableAtAStrangeOffset() {
        for (long offset : new long[] {0, 1, 0x200, -4096, Long.MAX_VALUE, 1L << 40}) {
            stillReads((image, at) -> image.putU64(at, offset));
        }
    }

    @Test
    void twoBitmapsOfOneName() {
        stillReads(
                (image, at) -> {
                    image.putU16(at + 18, 4);
                    long second = at + 32;
                    image.putU16(second + 18, 4).putBytes(second + 24, "bits".getBytes(UTF_8));
                });
    }

    @Test
    void bitmapInUse() {
        stillReads((image, at) -> image.putU32(at + 12, 1));
    }

    @Test
    void extraData() {
        stillReads((image, at) -> image.putU32(at + 20, 8));
        stillReads((image, at) -> image.putU32(at + 20, 0xffff_ffffL));
    }

    @Test
    void autoclearBitAbsent() {
        stillReads((image, _) -> image.put(HeaderField.AUTOCLEAR, 0));
    }

    @Test
    void countOfBitmapsThatIsWrong() {
        for (long count : new long[] {0, 1, 3, 65_535, 65_536, 0xffff_ffffL}) {
            stillReads((image, _) -> image.putU32(extension(image), count));
        }
    }

    @Test
    void directorySizeThatIsWrong() {
        for (long size : new long[] {0, 1, 23, 24, 1024L * 65_535 + 1, -1, Long.MAX_VALUE}) {
            stillReads((image, _) -> image.putU64(extension(image) + 8, size));
        }
    }

    @Test
    void directoryAtAStrangeOffset() {
        for (long offset : new long[] {0, 1, 0x200, -4096, Long.MAX_VALUE, 1L << 40}) {
            stillReads((image, _) -> image.putU64(extension(image) + 16, offset));
        }
    }
}
