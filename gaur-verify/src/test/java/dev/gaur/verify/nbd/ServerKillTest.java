package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.cli.Cli;
import dev.gaur.storage.OpenPolicy;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@code gaur serve} is killed with SIGKILL by its client, after a number of answers that a seed
 * gives: what was flushed is there, nothing foreign appears, QEMU finds nothing corrupt, and both
 * go on with the image.
 */
class ServerKillTest {
    private static final int ROUNDS = ImageZoo.LONG ? 390 : 13;
    private static final int ACKNOWLEDGED_MAX = 1500;
    private static final int SIGKILL = 9;
    private static final int SIGTERM = 15;
    private static final int KILLED = 128 + SIGKILL;
    private static final int LEAKS = 3;
    private static final String SIZE = "8M";
    private static final String JOURNAL = "journal=on";

    /** Kinds of images; "base" and "snapshot" are what they begin with. */
    private static final List<String> KINDS =
            List.of(
                    "cluster_size=64k",
                    "cluster_size=4k",
                    "base extended_l2=on",
                    "snapshot cluster_size=64k",
                    "base cluster_size=64k",
                    "lazy_refcounts=on",
                    "snapshot extended_l2=on",
                    "cluster_size=512",
                    "compat=0.10",
                    JOURNAL,
                    "base " + JOURNAL,
                    "snapshot " + JOURNAL,
                    "raw");

    @TempDir Path folder;

    static LongStream seeds() {
        return LongStream.range(ImageZoo.SEED, ImageZoo.SEED + ROUNDS);
    }

    static LongStream someSeeds() {
        return seeds().limit((ROUNDS + 1) / 2);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void whatWasFlushedSurvivesTheServer(long seed) throws IOException {
        end(seed, SIGKILL);
    }

    @ParameterizedTest
    @MethodSource("someSeeds")
    void whatWasAcknowledgedIsThereAfterAPoliteEnd(long seed) throws IOException {
        end(seed, SIGTERM);
        if (!isRaw(seed)) {
            qemuImg("check", folder.resolve("left")).ok();
        }
    }

    private static String kind(long seed) {
        return KINDS.get((int) (seed % KINDS.size()));
    }

    private static String cache(long seed) {
        return new Random(seed).nextBoolean() ? "none" : "writeback";
    }

    private static boolean isRaw(long seed) {
        return kind(seed).equals("raw");
    }

    private void end(long seed, int signal) throws IOException {
        String kind = kind(seed);
        String format = isRaw(seed) ? "raw" : "qcow2";
        Path image = image(kind);
        Path socket = folder.resolve("gaur.sock");
        Process server = serve(image, format, cache(seed), socket);
        try {
            Random random = new Random(seed);
            int enough = 1 + random.nextInt(ACKNOWLEDGED_MAX);
            int links = 1 + random.nextInt(3);
            String uri = "nbd+unix:///disk?socket=" + socket;
            long pid = server.pid();
            try (Python.Talk client =
                    Python.start(ServerKillScript.TEXT, uri, seed, pid, enough, links, signal)) {
                assertEquals("killed", client.hear());
                assertEquals(signal == SIGKILL ? KILLED : 0, server.onExit().join().exitValue());
                assertTrue(client.hear().startsWith("flushed"));
                judge(image, format, client);
                client.end();
            }
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + ", " + kind + ", " + cache(seed), e);
        } finally {
            server.destroyForcibly();
        }
    }

    private Path image(String kind) {
        Path image = folder.resolve("disk");
        if (kind.equals("raw")) {
            qemuImg("create", "-q", "-f", "raw", image, SIZE).ok();
            return image;
        }
        String[] words = kind.split(" ");
        String option = words[words.length - 1];
        List<Object> create = new ArrayList<>(List.of("create", "-q", "-f", "qcow2"));
        if (!option.equals(JOURNAL)) {
            create.addAll(List.of("-o", option));
        }
        if (words[0].equals("base")) {
            Path base = folder.resolve("base");
            qemuImg("create", "-q", "-f", "qcow2", base, SIZE).ok();
            qemuIo(base, "qcow2", "write -P 0xee 0 6M").ok();
            create.addAll(List.of("-b", base, "-F", "qcow2"));
        }
        create.addAll(List.of(image, SIZE));
        qemuImg(create.toArray()).ok();
        if (words[0].equals("snapshot")) {
            qemuIo(image, "qcow2", "write -P 0xdd 1M 5M").ok();
            qemuImg("snapshot", "-c", "before", image).ok();
        }
        if (option.equals(JOURNAL)) {
            Cli.gaur("amend", "-o", JOURNAL, image).ok();
        }
        return image;
    }

    private static Process serve(Path image, String format, String cache, Path socket)
            throws IOException {
        Process server =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:-UsePerfData",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                "dev.gaur.cli.Main",
                                "serve",
                                "-f",
                                format,
                                "--cache",
                                cache,
                                "-k",
                                socket.toString(),
                                image.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        while (!Files.exists(socket) && server.isAlive()) {
            Thread.onSpinWait();
        }
        return server;
    }

    /** Surefire hides the class path in a jar's manifest and says the real one here. */
    private static String classPath() {
        return System.getProperty(
                "surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private void judge(Path image, String format, Python.Talk client) throws IOException {
        Files.copy(image, folder.resolve("left"));
        if (format.equals("qcow2")) {
            checkAndRepair(image);
        }
        Path qemus = folder.resolve("qemu.raw");
        qemuImg("convert", "-f", format, "-O", "raw", image, qemus).ok();
        ask(client, qemus);
        Path ours = folder.resolve("ours.raw");
        Files.copy(folder.resolve("left"), image, StandardCopyOption.REPLACE_EXISTING);
        readAndWrite(image, format, ours);
        assertEquals(-1, Files.mismatch(qemus, ours));
        if (format.equals("qcow2")) {
            checkAndRepair(image);
        }
        qemuIo(image, format, "read -P 0x77 1M 1000", "write -P 0x66 2M 64k").ok();
    }

    private static void ask(Python.Talk client, Path raw) throws IOException {
        client.say(raw.toString());
        assertEquals("fine", client.hear());
    }

    /** Space may be lost, nothing else; counts that an image calls dirty are to be repaired. */
    private static void checkAndRepair(Path image) {
        Peers.Result info = qemuImg("info", "--output=json", image).ok();
        if (!info.out().contains("\"dirty-flag\": true")) {
            Peers.Result check = qemuImg("check", image);
            assertTrue(check.status() == 0 || check.status() == LEAKS, check.toString());
        }
        qemuImg("check", "-r", "all", image);
        qemuImg("check", image).ok();
    }

    private static void readAndWrite(Path image, String format, Path copy) throws IOException {
        OpenOptions options =
                OpenOptions.DEFAULT
                        .withFormat(format)
                        .withWritable(true)
                        .withPolicy(OpenPolicy.followLocalFiles());
        try (var disk = Gaur.open(image, options)) {
            try (InputStream all = disk.inputStream(0, disk.size())) {
                Files.copy(all, copy);
            }
            byte[] bytes = new byte[1000];
            Arrays.fill(bytes, (byte) 0x77);
            try (var channel = disk.channel()) {
                channel.position(1 << 20).write(ByteBuffer.wrap(bytes));
            }
            disk.flush();
        }
    }
}
