package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A JVM of its own for each way of refusing native access: all works, and nobody is warned. */
final class CodecsWithoutNativeAccessTest {

    private static final String JAVA_ONLY =
            """
            zlib: written by Java (level 1: Java), read by Java
            zstd: written by Java (level 3: Java), read by Java
            """;

    @Test
    void withNativeAccessTheLibrariesAreUsed() throws Exception {
        String expected =
                """
                zlib: written by Java (level 1: ISA-L), read by libdeflate
                zstd: written by libzstd (level 3: libzstd), read by libzstd
                """;
        assertEquals(expected, run("--enable-native-access=ALL-UNNAMED"));
    }

    @Test
    void withoutTheOptionJavaIsUsedWithoutAWarning() throws Exception {
        assertEquals(JAVA_ONLY, run());
    }

    @Test
    void whereNativeAccessIsDeniedJavaIsUsedWithoutAWarning() throws Exception {
        assertEquals(JAVA_ONLY, run("--illegal-native-access=deny"));
    }

    @Test
    void thePropertyTurnsNativeAccessOff() throws Exception {
        assertEquals(JAVA_ONLY, run("--enable-native-access=ALL-UNNAMED", "-Dgaur.native=false"));
    }

    /** Everything that the program prints, warnings of the JVM included. */
    private static String run(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(Program.class.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        byte[] printed = process.getInputStream().readAllBytes();
        assertEquals(0, process.waitFor());
        return new String(printed, StandardCharsets.UTF_8);
    }

    /** Compresses and decompresses a cluster in both ways and prints what did it. */
    static final class Program {
        private Program() {}

        /** Runs. */
        public static void main(String[] arguments) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment source = arena.allocate(4096);
                MemorySegment packed = arena.allocate(4096);
                MemorySegment target = arena.allocate(4096).fill((byte) 1);
                for (Compression compression : Compression.values()) {
                    try (var encoder = Codecs.encoder(compression);
                            var decoder = Codecs.decoder(compression)) {
                        int length = encoder.encode(source, packed);
                        if (!decoder.decode(packed.asSlice(0, length), target)
                                || source.mismatch(target) >= 0) {
                            throw new AssertionError(compression);
                        }
                    }
                }
            }
            // tests do not print either, but this program's output is its result
            try (var out = new FileOutputStream(FileDescriptor.out)) {
                out.write((Codecs.describe() + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
    }
}
