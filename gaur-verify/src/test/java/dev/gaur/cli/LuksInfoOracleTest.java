package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code info} prints of encrypted images, whose keys it does not need. */
class LuksInfoOracleTest {
    private static final int TRIES = 50;

    private static Path encrypted(String options) {
        Path image = ImageZoo.workshop("luks").resolve("image");
        String all = "encrypt.key-secret=key," + options;
        String key = "secret,id=key,data=abc";
        Object[] call = {"create", "-q", "-f", "qcow2", "--object", key, "-o", all, image, "4M"};
        Peers.Result made = Peers.qemuImg(call);
        // QEMU measures how fast it is, and gives up if the clock stood still meanwhile.
        for (int i = 0; i < TRIES && made.err().contains("accurate CPU usage"); i++) {
            made = Peers.qemuImg(call);
        }
        made.ok();
        return image;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "encrypt.format=luks,encrypt.iter-time=10",
                "encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=aes-128",
                "encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=serpent-256,"
                        + "encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,"
                        + "encrypt.ivgen-hash-alg=sha256,encrypt.hash-alg=sha1",
                "encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-mode=cbc,"
                        + "encrypt.ivgen-alg=plain,cluster_size=4k",
                "encrypt.format=aes"
            })
    void printsWhatQemuPrints(String options) {
        Path image = encrypted(options);
        for (Object[] call : new Object[][] {{"info", image}, {"info", "--output=json", image}}) {
            Peers.Result qemu = Peers.qemuImg(call).ok();
            Peers.Result gaur = Cli.asQemuImg(call).ok();
            assertEquals(qemu.out(), gaur.out());
            assertEquals(qemu.err(), gaur.err());
        }
    }

    @Test
    void damagedHeaderLeavesTheRestToSay() throws IOException {
        Path image = encrypted("encrypt.format=luks,encrypt.iter-time=10");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            byte[] first = new byte[65_536];
            file.readFully(first);
            long header = luksHeader(first);
            file.seek(header);
            file.write('l');
            assertTrue(Cli.gaur("info", image).ok().out().contains("    format: luks\n"));
            file.setLength(header + 500);
            assertTrue(Cli.gaur("info", image).ok().out().contains("    format: luks\n"));
        }
    }

    /** The pointer's first field, in the first extension of that type. */
    private static long luksHeader(byte[] first) {
        ByteBuffer fields = ByteBuffer.wrap(first);
        int at = fields.getInt(100);
        while (fields.getInt(at) != 0x0537be77) {
            at += 8 + (fields.getInt(at + 4) + 7) / 8 * 8;
        }
        return fields.getLong(at + 8);
    }
}
