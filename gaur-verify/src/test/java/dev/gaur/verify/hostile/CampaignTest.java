package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Random damage, thousands of cases for each run, in a process with 64 MiB of heap and as much
 * native memory. A finding is reported with its seed; {@code -Dgaur.seed=} repeats it.
 */
class CampaignTest {
    private static final long CASES = ImageZoo.LONG ? 60_000 : 4_000;

    @Test
    void randomDamageEndsInAClearErrorOrSuccessWithinBounds() throws IOException {
        Path folder = ImageZoo.workshop("campaign");
        Path report = folder.resolve("report");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx64m",
                                "-XX:MaxDirectMemorySize=64m",
                                "-XX:+UseSerialGC",
                                "-XX:-UsePerfData",
                                "-ea",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                Campaign.class.getName(),
                                report.toString(),
                                Long.toString(ImageZoo.SEED),
                                Long.toString(CASES)));
        for (Golden golden : Golden.all()) {
            if (golden.specimen().length() < 1 << 20) {
                command.add(golden.path().toString());
            }
        }
        Peers.Result result = Peers.runIn(folder, command);
        assertTrue(Files.exists(report), () -> result.status() + result.err() + result.out());
        assertEquals("", result.err());
        assertTrue(Files.readString(report).startsWith(Campaign.CLEAN), Files.readString(report));
    }

    /** Surefire hides the class path in a jar's manifest and says the real one here. */
    private static String classPath() {
        return System.getProperty(
                "surefire.test.class.path", System.getProperty("java.class.path"));
    }
}
