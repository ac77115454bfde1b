package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FiguresCommandTest {
    @TempDir Path folder;

    @Test
    void itIsACommandOfBenchUnderOurNameOnly() {
        assertTrue(Ran.gaur("bench", "figures", "--help").out().contains("--html=FILE"));
        assertTrue(Ran.gaur("bench", "--help").out().contains("'gaur bench figures'"));
        assertTrue(Ran.qemuImg("bench", "figures").err().contains("Could not open 'figures'"));
        assertTrue(Ran.gaur("bench", "./figures").err().contains("Could not open './figures'"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--time|soon|--time takes seconds (90s) or minutes (5m), not 'soon'",
                "--time|-1|--time takes seconds (90s) or minutes (5m), not '-1'",
                "--size|1M|--size must be at least 128M",
                "--size|large|Invalid size specified. ",
                "--rounds|1k|--rounds takes a number from 0 to 1000, not '1k'",
                "--rounds|0|--rounds must be at least 1",
                "--cases|no/such|there is no case 'no/such'; there are",
                "--cache|unsafe|--cache takes writeback and none, not 'unsafe'",
                "--through|http|--through takes api, nbd, qemu, not 'http'",
                "--json|no/such/folder|cannot write 'no/such/folder'",
                "--html|.|cannot write '.'",
                "--folder|no/such|there is no folder 'no/such'"
            })
    void aWrongArgumentIsRefusedWithTheRightOnes(String option, String value, String words) {
        Ran ran = Ran.gaur("bench", "figures", option, value);

        assertEquals(1, ran.status());
        assertTrue(ran.err().startsWith("gaur: " + words.replace("\\n", "\n")), ran.err());
    }

    @Test
    void anOperandIsRefused() {
        assertTrue(
                Ran.gaur("bench", "figures", "more")
                        .err()
                        .contains("Unexpected argument: more\nTry 'gaur bench figures --help'"));
    }

    @Test
    void theResultsAreATableJsonAndAPage() throws Exception {
        Path json = folder.resolve("figures.json");
        Path html = folder.resolve("figures.html");
        Ran ran =
                Ran.gaur(
                        "bench",
                        "figures",
                        "--quick",
                        "--folder",
                        folder.toString(),
                        "--through=api",
                        "--cases=small/1m",
                        "--json",
                        json.toString(),
                        "--html",
                        html.toString());

        assertEquals("", ran.err());
        assertEquals(0, ran.status());
        assertTrue(ran.out().contains("qcow2, all there"), ran.out());
        assertTrue(java.nio.file.Files.readString(json).contains("\"figure\": \"small\""));
        assertTrue(java.nio.file.Files.readString(html).contains("<svg "));
        assertEquals(2, folder.toFile().list().length);
    }
}
