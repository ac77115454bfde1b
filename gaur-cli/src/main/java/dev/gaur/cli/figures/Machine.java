package dev.gaur.cli.figures;

import dev.gaur.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where and with what a run was made: pairs of names and values, for people.
 *
 * @param facts in order
 */
record Machine(List<Fact> facts) {
    /** A name and its value. */
    record Fact(String name, String value) {}

    /** Looks at this machine, the programs on it, and a folder. */
    static Machine here(Path folder) {
        List<Fact> facts = new ArrayList<>();
        int cores = Runtime.getRuntime().availableProcessors();
        facts.add(new Fact("processor", processor() + ", " + cores + " cores"));
        facts.add(new Fact("memory", memory()));
        facts.add(
                new Fact(
                        "system",
                        System.getProperty("os.name") + " " + System.getProperty("os.version")));
        facts.add(new Fact("file system", fileSystem(folder)));
        facts.add(
                new Fact(
                        "Gaur",
                        Version.current() + ", Java " + System.getProperty("java.version")));
        addTool(facts, "qemu-nbd");
        addTool(facts, "fio");
        return new Machine(List.copyOf(facts));
    }

    private static void addTool(List<Fact> facts, String program) {
        String version = Tools.version(program);
        facts.add(new Fact(program, version.isEmpty() ? "not installed" : version));
    }

    private static String processor() {
        String name = line("/proc/cpuinfo", "model name");
        return name.isEmpty() ? System.getProperty("os.arch", "unknown") : name;
    }

    private static String memory() {
        long bytes = memory("MemTotal");
        return bytes == 0 ? "unknown" : Math.round(bytes / (double) (1 << 30)) + " GiB";
    }

    /** Returns so many bytes as the system says that it has of a kind; 0 if it does not say. */
    static long memory(String kind) {
        String kib = line("/proc/meminfo", kind).replace(" kB", "");
        try {
            return Long.parseLong(kib) << 10;
        } catch (NumberFormatException _) {
            return 0;
        }
    }

    private static String fileSystem(Path folder) {
        try {
            return Files.getFileStore(folder).type();
        } catch (IOException _) {
            return "unknown";
        }
    }

    /** Returns the value in the first line with some name; empty if there is none. */
    private static String line(String file, String name) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("");
        } catch (IOException _) {
            return "";
        }
    }
}
