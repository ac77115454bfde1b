package dev.gaur.verify.hostile;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import org.junit.jupiter.api.Test;

/** The header extension area: found by version and header_length, bounded, unknown ones ignored. */
class HostileExtensionsTest {
    private static final int UNKNOWN = 0x12345678;

    private static Specimen image() {
        return Crafted.withL2(12, 1 << 20, 1);
    }

    @Test
    void unknownExtensionIsIgnored() {
        Specimen image = image();
        Crafted.extension(image, 112, UNKNOWN, new byte[100]);
        Patient.of(image).opensAndReads();
    }

    @Test
    void unknownExtensionThatFillsTheAreaExactly() {
        Specimen image = image();
        Crafted.extension(image, 112, UNKNOWN, new byte[4096 - 112 - 8 - 8]);
        Patient.of(image).opensAndReads();
    }

    @Test
    void extensionLongerThanTheArea() {
        Patient.of(image().putU32(112, UNKNOWN).putU32(116, 4096 - 112 - 7)).refuses("extension");
    }

    @Test
    void extensionWithALengthThatLooksNegative() {
        Patient.of(image().putU32(112, UNKNOWN).putU32(116, 0xffff_ffffL)).refuses("extension");
        Patient.of(image().putU32(112, UNKNOWN).putU32(116, 0x8000_0000L)).refuses("extension");
    }

    @Test
    void extensionWhosePaddingOverflows() {
        Patient.of(image().putU32(112, UNKNOWN).putU32(116, 0xffff_fff9L)).refuses("extension");
    }

    @Test
    void extensionsOfVersionTwoBeginAtSeventyTwo() {
        Specimen image = Golden.named("v2-4k").specimen();
        Crafted.extension(image, 72, UNKNOWN, new byte[16]);
        Patient.of(image).opensAndReads();
        Patient.of(image.putU32(76, 0xffff_0000L)).refuses("extension");
    }

    @Test
    void extensionsBeginWhereTheHeaderLengthSays() {
        for (int length : new int[] {104, 112, 120, 200, 4000}) {
            Specimen image = image().put(HeaderField.HEADER_LENGTH, length);
            Crafted.extension(image, length, UNKNOWN, new byte[8]);
            Patient.of(image).opensAndReads();
        }
    }

    @Test
    void headerAsLongAsTheClusterLeavesNoRoomForExtensions() {
        Patient.of(image().put(HeaderField.HEADER_LENGTH, 4096)).opensAndReads();
    }

    @Test
    void unknownFieldsBeyondTheHeaderWeKnowAreIgnored() {
        Specimen image = image().put(HeaderField.HEADER_LENGTH, 128);
        Patient.of(image.putU64(112, -1).putU64(120, 0x1122)).opensAndReads();
    }

    @Test
    void areaEndsAtTheBackingName() {
        Specimen image = image();
        Crafted.extension(image, 112, UNKNOWN, new byte[600]);
        image.put(HeaderField.BACKING_OFFSET, 400).put(HeaderField.BACKING_SIZE, 0);
        Patient.of(image).refuses("extension");
    }

    @Test
    void backingFormatLongerThanAnyFormat() {
        Specimen image = image();
        Crafted.extension(image, 112, 0xe2792aca, new byte[16]);
        Patient.of(image).refuses("backing format");
    }

    @Test
    void lastOfDuplicateExtensionsWins() {
        Specimen image = image();
        long next = Crafted.extension(image, 112, 0xe2792aca, "nonsense".getBytes(UTF_8));
        Crafted.extension(image, next, 0xe2792aca, "raw".getBytes(UTF_8));
        Crafted.naming(image, "noise");
        Patient.of(image).opensAndReads();
    }

    @Test
    void bitmapsExtensionOfTheWrongLength() {
        Specimen image = image().put(HeaderField.AUTOCLEAR, 1);
        Crafted.extension(image, 112, 0x23852875, new byte[23]);
        Patient.of(image).survives();
    }

    @Test
    void featureTableOfOddLengthOrWithStrangeBits() {
        Specimen image = image().put(HeaderField.INCOMPATIBLE, 1L << 40);
        byte[] table = new byte[48 * 2 + 17];
        table[1] = 40;
        System.arraycopy("sharks".getBytes(UTF_8), 0, table, 2, 6);
        table[48] = (byte) 200;
        table[49] = (byte) 255;
        Crafted.extension(image, 112, 0x6803f857, table);
        Patient.of(image).refuses("sharks");
    }
}
