package dev.gaur.verify.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example in README.md compiles without a warning and does what it says. */
class ReadmeTest {
    private static final Pattern EXAMPLE = Pattern.compile("(?s)```java\n(.*?)```");

    @TempDir Path folder = Path.of("");

    @Test
    void theExampleShowsAnImage() throws Exception {
        Path image = folder.resolve("disk.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, "1M").ok();
        Peers.qemuIo(image, "qcow2", "write -P 0xab 0 64k").ok();
        compile(example());

        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                "Example")
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertEquals(0, process.waitFor(), output);
        assertTrue(output.startsWith("qcow2 image of a disk of 1048576 bytes\nData["), output);
        assertTrue(output.endsWith("\n" + "ab".repeat(512) + "\n"), output);
    }

    private static String example() throws Exception {
        Path readme = Path.of(System.getProperty("gaur.root"), "README.md");
        Matcher matcher = EXAMPLE.matcher(Files.readString(readme));
        assertTrue(matcher.find(), "README.md has an example");
        return matcher.group(1);
    }

    private String classPath() {
        return folder
                + System.getProperty("path.separator")
                + System.getProperty("java.class.path");
    }

    private void compile(String source) throws Exception {
        Path file = Files.writeString(folder.resolve("Example.java"), source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            List<String> options =
                    List.of(
                            "-Xlint:all",
                            "-proc:none",
                            "-d",
                            folder.toString(),
                            "-cp",
                            classPath());
            assertTrue(
                    compiler.getTask(
                                    messages,
                                    files,
                                    null,
                                    options,
                                    null,
                                    files.getJavaFileObjects(file))
                            .call(),
                    messages::toString);
        }
    }
}
