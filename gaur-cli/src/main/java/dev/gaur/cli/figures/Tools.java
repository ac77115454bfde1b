package dev.gaur.cli.figures;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Other programs, where they are installed. */
final class Tools {
    private static final int SERVER_CORE = 0;
    private static final int CLIENT_CORE = 1;

    private Tools() {}

    static Optional<Path> find(String program) {
        String folders = System.getenv().getOrDefault("PATH", "");
        for (String folder : (folders + ":/usr/sbin:/sbin").split(File.pathSeparator, -1)) {
            Path file = Path.of(folder, program);
            if (!folder.isEmpty() && Files.isExecutable(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /** Returns the first line that a program says of its version, empty if it is not there. */
    static String version(String program) {
        if (find(program).isEmpty()) {
            return "";
        }
        try {
            Process process =
                    new ProcessBuilder(program, "--version").redirectErrorStream(true).start();
            process.getOutputStream().close();
            byte[] said = process.getInputStream().readAllBytes();
            process.waitFor();
            return new String(said, StandardCharsets.UTF_8).lines().findFirst().orElse("");
        } catch (IOException _) {
            return "";
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** What goes before the command of a server: it has a processor of its own. */
    static List<String> onServerCore() {
        return onCore(SERVER_CORE);
    }

    /** What goes before the command of a client. */
    static List<String> onClientCore() {
        return onCore(CLIENT_CORE);
    }

    private static List<String> onCore(int core) {
        boolean several = Runtime.getRuntime().availableProcessors() > CLIENT_CORE;
        return several && find("taskset").isPresent()
                ? List.of("taskset", "-c", Integer.toString(core))
                : List.of();
    }
}
