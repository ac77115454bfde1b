package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class MainTest {
    @Test
    void versionGoesToStandardOutput() {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();

        int status =
                Main.run(new String[] {"--version"}, new PrintStream(out), new PrintStream(err));

        assertEquals(0, status);
        assertEquals("gaur version 0.1.0\n", out.toString(StandardCharsets.UTF_8));
        assertEquals("", err.toString(StandardCharsets.UTF_8));
    }
}
