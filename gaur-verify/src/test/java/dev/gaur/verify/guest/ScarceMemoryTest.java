package dev.gaur.verify.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A process without native memory for what it is asked to do: requests, snapshots and bitmaps fail
 * one by one, the image goes on, and in the end QEMU finds nothing wrong with it.
 */
class ScarceMemoryTest {
    private static final int SIZE = 8 << 20;
    private static final long LIMIT = 32 << 20;
    private static final List<String> JVM = List.of("-Xmx128m", "-XX:MaxDirectMemorySize=" + LIMIT);

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"compat=1.1", "extended_l2=on"})
    void whatFailsForWantOfMemoryEndsNothingElse(String options) throws IOException {
        Path raw = folder.resolve("raw");
        byte[] content = new byte[SIZE];
        new Random(ImageZoo.SEED).nextBytes(content);
        Files.write(raw, content);
        Path base = folder.resolve("base.qcow2");
        Peers.qemuImg("convert", "-c", "-O", "qcow2", raw, base).ok();
        Path image = folder.resolve("disk.qcow2");
        Peers.qemuImg(
                        "create", "-q", "-f", "qcow2", "-o", options, "-b", base, "-F", "qcow2",
                        image)
                .ok();
        String main = ScarceProcess.class.getName();
        List<Object> arguments = List.of(image, LIMIT, ImageZoo.SEED);
        try (Console process = ServerProcess.java("the process", JVM, main, arguments)) {
            int failures = Integer.parseInt(process.await("ok ").substring("ok ".length()));
            process.await("closed");
            assertEquals(0, process.awaitEnd());
            assertTrue(failures > 0, failures + " operations had no memory");
        }
        Peers.qemuImg("check", "-f", "qcow2", image).ok();
    }
}
