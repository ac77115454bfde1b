package dev.gaur.verify.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples in README.md compile without a warning and do what they say. */
class ReadmeTest {
    private static final Pattern EXAMPLE = Pattern.compile("(?s)```java\n(.*?)```");

    @TempDir Path folder = Path.of("");

    private Path image() {
        Path image = folder.resolve("disk.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, "1M").ok();
        Peers.qemuIo(image, "qcow2", "write -P 0xab 0 128k").ok();
        return image;
    }

    @Test
    void theFirstExampleShowsAnImage() throws Exception {
        image();
        String output = run("First", 0);
        assertTrue(output.startsWith("qcow2 image of a disk of 1048576 bytes\nData["), output);
        assertTrue(output.endsWith("\n" + "ab".repeat(512) + "\n"), output);
    }

    @Test
    void theSecondExampleWrites() throws Exception {
        Path image = image();
        assertEquals("clean\n", run("Second", 1));
        Peers.qemuImg("check", image).ok();
        String[] reads = {"read -P 0xab 0 4k", "read -P 0x6c 4098 2", "read -P 0 64k 64k"};
        Peers.Result read = Peers.qemuIo(image, "qcow2", reads).ok();
        assertFalse(read.out().contains("Pattern verification failed"), read.out());
    }

    private String run(String name, int index) throws Exception {
        compile(name, example(index));
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                name)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    private static String example(int index) throws Exception {
        Path readme = Path.of(System.getProperty("gaur.root"), "README.md");
        List<MatchResult> examples = EXAMPLE.matcher(Files.readString(readme)).results().toList();
        assertEquals(2, examples.size(), "examples in README.md");
        return examples.get(index).group(1);
    }

    private String classPath() {
        return folder
                + System.getProperty("path.separator")
                + System.getProperty("java.class.path");
    }

    private void compile(String name, String source) throws Exception {
        Path file = Files.writeString(folder.resolve(name + ".java"), source);
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
