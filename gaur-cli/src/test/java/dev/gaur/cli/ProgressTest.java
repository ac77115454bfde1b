package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8);

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void qemusFormIsOneLineWrittenOver() {
        try (var progress = new Progress(Progress.Form.QEMU, out)) {
            progress.update(105, 1000);
            progress.update(106, 1000); // Less than a percent more.
            progress.update(2097, 10000);
            progress.complete();
        }

        assertEquals(
                "    (0.00/100%)\r    (10.50/100%)\r    (20.97/100%)\r    (100.00/100%)\r\n",
                text());
    }

    @Test
    void whatFailsDoesNotReachAHundred() {
        try (var progress = new Progress(Progress.Form.QEMU, out)) {
            progress.update(1, 2);
        }

        assertEquals("    (0.00/100%)\r    (50.00/100%)\r\n", text());
    }

    @Test
    void jsonEndsWithALineThatSaysDone() {
        try (var progress = new Progress(Progress.Form.JSON, out)) {
            progress.update(50, 50);
            progress.complete();
        }

        String last = text().lines().toList().getLast();
        assertTrue(last.startsWith("{\"done\": 50, \"total\": 50, \"percent\": 100.00, "), last);
        assertTrue(last.endsWith(", \"eta-seconds\": 0}"), last);
    }

    @Test
    void aTerminalsLineIsLeftEmpty() {
        try (var progress = new Progress(Progress.Form.TERMINAL, out)) {
            progress.update(1, 2);
            progress.complete();
        }

        assertTrue(text().endsWith("\r\033[K"));
    }

    @Test
    void nothingIsShownWhereNobodyLooks() {
        try (var progress = new Progress(Progress.Form.NONE, out)) {
            progress.update(1, 2);
            progress.complete();
        }

        assertEquals("", text());
    }
}
