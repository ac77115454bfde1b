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
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random damage, thousands of cases for each run, in a process with 64 MiB of heap and as much
 * native memory. A finding is reported with its seed; {@code -Dgaur.seed=} repeats it.
 */
class CampaignTest {
    private static final long BATCH = 500;
    private static final long BATCHES = ImageZoo.LONG ? 120 : 6;

    static LongStream firstSeeds() {
        return LongStream.range(0, BATCHES).map(batch -> ImageZoo.SEED + batch * BATCH);
    }

    @ParameterizedTest
    @MethodSource("firstSeeds")
    void randomDamageEndsInAClearErrorOrSuccessWithinBounds(long firstSeed) throws IOException {
        Path folder = ImageZoo.workshop("campaign");
        Path report = folder.resolve("report-" + firstSeed);
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
                                Long.toString(firstSeed),
                                Long.toString(BATCH)));
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
    static String classPath() {
        return System.getProperty(
                "surefire.test.class.path", System.getProperty("java.class.path"));
    }
}
