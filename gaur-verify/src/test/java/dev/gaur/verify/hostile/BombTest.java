package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import java.nio.file.Path;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;

/** Small files that would make a careless reader work for ever or fill memory. */
class BombTest {
    private static final int COMPRESSED_MAX = 1 << 12;

    /** An image with one compressed cluster of these bytes, said to be of so many sectors. */
    private static Specimen compressed(byte[] stream, int moreSectors) {
        Specimen image = Crafted.withL2(16, 1 << 20, 1);
        long at = Crafted.append(image, 1);
        image.putBytes(at, stream);
        image.putU64(image.l2Table(0), Crafted.COMPRESSED | (long) moreSectors << (70 - 16) | at);
        return image;
    }

    /** {@code length} zero bytes as a raw deflate stream. */
    private static byte[] deflated(int length) {
        Deflater deflater = new Deflater(9, true);
        deflater.setInput(new byte[length]);
        deflater.finish();
        byte[] stream = new byte[COMPRESSED_MAX];
        int bytes = deflater.deflate(stream);
        deflater.end();
        return java.util.Arrays.copyOf(stream, bytes);
    }

    @Test
    void deflateStreamThatGoesOnPastItsClusterIsCutThere() {
        Patient.of(compressed(deflated(1 << 20), 7)).opensAndReads();
    }

    @Test
    void deflateStreamThatEndsBeforeItsClusterIsFull() {
        Patient.of(compressed(deflated(65_535), 0)).failsToRead("compressed");
    }

    @Test
    void streamOfRubbish() {
        byte[] rubbish = new byte[600];
        new java.util.Random(1).nextBytes(rubbish);
        rubbish[0] = 7; // A block of the type that does not exist.
        Patient.of(compressed(rubbish, 1)).failsToRead("compressed");
    }

    @Test
    void streamOfNothing() {
        Patient.of(compressed(new byte[0], 0)).failsToRead("compressed");
    }

    @Test
    void lengthOfTheStreamThatLies() {
        Patient.of(compressed(deflated(1 << 16), 255)).opensAndReads();
        byte[] noise = new byte[20_000];
        new java.util.Random(2).nextBytes(noise);
        Deflater deflater = new Deflater(9, true);
        deflater.setInput(noise);
        deflater.finish();
        byte[] stream = new byte[30_000];
        stream = java.util.Arrays.copyOf(stream, deflater.deflate(stream));
        deflater.end();
        Patient.of(compressed(stream, 0)).failsToRead("compressed");
    }

    @Test
    void zstdFrameThatClaimsExbibytes() {
        byte[] frame = {
            (byte) 0x28,
            (byte) 0xb5,
            0x2f,
            (byte) 0xfd,
            (byte) 0xe0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0x10,
            3,
            0,
            0
        };
        Specimen image = compressed(frame, 0);
        image.put(HeaderField.INCOMPATIBLE, 8).put(HeaderField.COMPRESSION_TYPE, 1);
        Patient.of(image).failsToRead("compressed");
    }

    @Test
    void zstdFrameThatAsksForAHugeWindow() {
        byte[] frame = {
            (byte) 0x28,
            (byte) 0xb5,
            0x2f,
            (byte) 0xfd,
            0,
            (byte) 0xff,
            0x02,
            0,
            0x08,
            0,
            0,
            0,
            0,
            0
        };
        Specimen image = compressed(frame, 0);
        image.put(HeaderField.INCOMPATIBLE, 8).put(HeaderField.COMPRESSION_TYPE, 1);
        Patient.of(image).failsToRead("compressed");
    }

    @Test
    void endlessEmptyZstdFramesEnd() {
        byte[] empty = {(byte) 0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0x20, 0, 1, 0, 0};
        byte[] frames = new byte[4096];
        for (int at = 0; at + empty.length <= frames.length; at += empty.length) {
            System.arraycopy(empty, 0, frames, at, empty.length);
        }
        Specimen image = compressed(frames, 7);
        image.put(HeaderField.INCOMPATIBLE, 8).put(HeaderField.COMPRESSION_TYPE, 1);
        Patient.of(image).failsToRead("compressed");
    }

    /** One L2 table for all of a terabyte disk: each L1 entry repeats its 8192 entries. */
    private static Specimen amplified(int l1Entries) {
        Specimen image = Crafted.empty(16, (long) l1Entries << 29, l1Entries);
        long table = Crafted.append(image, 1);
        long data = Crafted.append(image, 1);
        for (int i = 0; i < l1Entries; i++) {
            image.putU64(image.l1EntryAt(i), table);
        }
        for (int i = 0; i < 8192; i++) {
            image.putU64(table + i * 8L, data);
        }
        return image;
    }

    @Test
    void inspectEndsThoughTablesAreUsedAThousandTimes() {
        Path bomb = Patient.of(amplified(65_536)).path();
        Peers.Result inspected =
                assertTimeoutPreemptively(Patient.LIMIT, () -> Cli.gaur("inspect", bomb));
        Patient.assertWords(inspected.out() + inspected.err(), "qcow2");
    }

    @Test
    void infoEndsThoughTablesAreUsedAThousandTimes() {
        Path bomb = Patient.of(amplified(65_536)).path();
        Peers.Result info = assertTimeoutPreemptively(Patient.LIMIT, () -> Cli.gaur("info", bomb));
        assertEquals(0, info.status(), info::toString);
    }
}
