package dev.gaur.cli;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;

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
     * Runs the commands in a temporary folder.
     *
     * @param arguments {@code short} or {@code long}: which cache it is for
     */
    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createTempDirectory("gaur-training");
        try {
            var training = new Training(folder);
            training.runShort();
            if (arguments[0].equals("long")) {
                training.runLong();
            }
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                files.forEach(file -> file.toFile().delete());
            }
            Files.delete(folder);
        }
    }

    /** Every class in a cache costs each start a little: no other commands here. */
    private void runShort() {
        gaur("--version");
        gaur("info", name("missing"));
        gaur("create", "-f", "qcow2", name("empty"), "64M");
        gaur("create", "-f", "qcow2", "-b", name("empty"), "-F", "qcow2", name("overlay"));
        for (String image : new String[] {name("empty"), name("overlay")}) {
            gaur("info", image);
            gaur("info", "--output=json", image);
            gaur("inspect", image);
        }
        gaur("info", "--backing-chain", name("overlay"));
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
