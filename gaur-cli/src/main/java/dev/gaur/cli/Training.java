package dev.gaur.cli;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The run from which the build makes an AOT cache: typical commands on small images. The classes it
 * loads are ready in every later start, and the profiles it collects tell the compiler what to do
 * first. Only the build calls it.
 */
final class Training {
    private static final int IMAGE_BYTES = 32 << 20;

    private final Path folder;
    private final PrintStream out = Main.stream(FileDescriptor.out);

    private Training(Path folder) {
        this.folder = folder;
    }

    /**
     * Runs the commands. Every class that a cache has costs each start a little: so nothing here
     * does more than they do, and the folder is the build's.
     *
     * @param arguments which cache it is for, {@code info}, {@code short}, {@code long} or {@code
     *     serve}; and a folder, for {@code info} and {@code serve} with the images {@code empty}
     *     and {@code overlay}
     */
    public static void main(String[] arguments) throws IOException {
        var training = new Training(Path.of(arguments[1]));
        switch (arguments[0]) {
            case "info" -> training.runInfo();
            case "short" -> training.runShort();
            case "serve" -> training.runServe();
            default -> {
                training.runShort();
                training.runLong();
            }
        }
    }

    private void runInfo() throws IOException {
        gaur("--version");
        gaur("info", name("missing"));
        for (String image : new String[] {name("empty"), name("overlay")}) {
            hint(image);
            gaur("info", image);
            gaur("info", "--output=json", image);
        }
    }

    /** Does as the launcher does for {@code info}, so that nothing native is linked. */
    private static void hint(String image) throws IOException {
        Map<String, Object> file = Files.readAttributes(Path.of(image), "unix:dev,ino");
        System.setProperty("gaur.stat", file.get("dev") + ":" + file.get("ino") + " 8");
    }

    private void runShort() throws IOException {
        gaur("create", "-f", "qcow2", name("empty"), "64M");
        gaur("create", "-f", "qcow2", "-b", name("empty"), "-F", "qcow2", name("overlay"));
        runInfo();
        gaur("info", "--backing-chain", name("overlay"));
        gaur("inspect", name("empty"));
        gaur("inspect", name("overlay"));
    }

    private void runServe() throws IOException {
        String socket = name("socket");
        TrainingClient.run(out, socket, "serve", "--once", "-k", socket, name("overlay"));
        TrainingClient.run(out, socket, "nbd", "-x", "overlay", "-k", socket, name("overlay"));
    }

    private void runLong() throws IOException {
        Files.write(folder.resolve("raw"), content(IMAGE_BYTES));
        gaur("convert", "-f", "raw", "-O", "qcow2", name("raw"), name("plain"));
        gaur("convert", "-c", "-f", "raw", "-O", "qcow2", name("raw"), name("zlib"));
        gaur(
                "convert",
                "-c",
                "-O",
                "qcow2",
                "-o",
                "compression_type=zstd",
                name("plain"),
                name("zstd"));
        gaur("convert", "-O", "raw", name("zlib"), name("back"));
        gaur("convert", "-O", "raw", name("zstd"), name("back"));
        gaur("compare", name("raw"), name("zstd"));
        for (String image : new String[] {name("plain"), name("zlib"), name("overlay")}) {
            gaur("check", image);
            gaur("check", "--output=json", image);
            gaur("map", image);
            gaur("map", "--output=json", image);
            gaur("measure", "-O", "qcow2", image);
            gaur("measure", "--output=json", "-O", "qcow2", image);
        }
        runRequests("raw", name("back"));
        runRequests("qcow2", name("plain"));
    }

    private void runRequests(String format, String image) {
        List<String> command = new ArrayList<>(List.of("io", "-f", format));
        for (String request :
                List.of(
                        "write -P 1 1000 64k",
                        "write -z 128k 64k",
                        "discard 256k 64k",
                        "read -v 0 64",
                        "read -P 1 1000 64k",
                        "flush",
                        "alloc 0",
                        "map",
                        "length",
                        "info")) {
            command.add("-c");
            command.add(request);
        }
        command.add(image);
        gaur(command.toArray(String[]::new));
    }

    private String name(String file) {
        return folder.resolve(file).toString();
    }

    /** Half text-like, a quarter noise, the rest zeros. */
    private static byte[] content(int bytes) {
        byte[] content = new byte[bytes];
        var random = new Random(1);
        for (int i = 0; i < bytes / 2; i++) {
            content[i] = (byte) ('a' + random.nextInt(8));
        }
        for (int i = bytes / 2; i < bytes / 4 * 3; i++) {
            content[i] = (byte) random.nextInt();
        }
        return content;
    }

    /** Other tests judge the commands; here an error is as good to learn from as a success. */
    private void gaur(String... command) {
        Main.run(Program.GAUR, command, out, out);
    }
}
