package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** nbdcopy out of the server and into it: QEMU finds the target sound and equal to the source. */
class CopyTest {
    private static final long SEED = 20261126;
    private static final int SIZE = 24 << 20;

    @TempDir Path folder;

    static Stream<Images.Kind> kinds() {
        return Images.all().stream();
    }

    private static void copy(String options, Object from, Object to) {
        Stream<Object> words = Stream.of(options.split(" ")).map(Object.class::cast);
        Peers.run("nbdcopy", Stream.concat(words, Stream.of(from, to)).toArray()).ok();
    }

    private static void assertSame(Path one, String format, Path other, String otherFormat) {
        qemuImg("compare", "-f", format, "-F", otherFormat, one, other).ok();
    }

    /** A raw disk with data, holes, and zeros that take up room. */
    private Path source() throws IOException {
        Path file = folder.resolve("source.raw");
        Random random = new Random(SEED);
        byte[] noise = new byte[300_000];
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(SIZE);
            for (int i = 0; i < 24; i++) {
                random.nextBytes(noise);
                raw.seek(random.nextInt(SIZE - noise.length));
                raw.write(noise, 0, 1 + random.nextInt(noise.length));
            }
            raw.seek(10 << 20);
            raw.write(new byte[700_000]);
        }
        return file;
    }

    private Path target(String options) {
        Path file = folder.resolve("target.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", "-o", options, file, SIZE).ok();
        return file;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void everyKindComesOutAsItIs(Images.Kind kind) {
        Path image = kind.in(folder);
        Path out = folder.resolve("out.raw");
        try (Served served = Served.read(image, kind.format())) {
            copy("--connections=4 --requests=64", served.uri(), out);
        }
        assertSame(image, kind.format(), out, "raw");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--flush",
                "--connections=4 --requests=16 --flush",
                "--allocated --flush",
                "--destination-is-zero --flush",
                "--allocated --destination-is-zero --requests=1 --flush",
                "--no-extents --sparse=0 --flush",
                "--sparse=512 --request-size=4096 --flush",
                "--synchronous --flush",
                "--connections=1 --threads=1 --requests=256 --request-size=33554432 --flush"
            })
    void whatComesInIsWhatWasSent(String options) throws IOException {
        Path source = source();
        Path target = target("cluster_size=64k");
        try (Served served = Served.write(target, "qcow2")) {
            copy(options, source, served.uri());
            // The flush was answered: the file has all of it while the server goes on.
            Path now = folder.resolve("now.qcow2");
            Files.copy(target, now);
            qemuImg("check", "-r", "leaks", now);
            assertSame(source, "raw", now, "qcow2");
        }
        qemuImg("check", target).ok();
        assertSame(source, "raw", target, "qcow2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"extended_l2=on", "compat=0.10", "cluster_size=512", "cluster_size=2M"})
    void everyLayoutTakesACopy(String options) throws IOException {
        Path source = source();
        Path target = target(options);
        try (Served served = Served.write(target, "qcow2")) {
            copy("--connections=4 --requests=64 --flush", source, served.uri());
        }
        qemuImg("check", target).ok();
        assertSame(source, "raw", target, "qcow2");
    }

    @Test
    void zerosHideWhatTheTargetHad() throws IOException {
        Path source = source();
        Path base = folder.resolve("base.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", base, SIZE).ok();
        qemuIo(base, "qcow2", "write -P 0xee 0 " + SIZE).ok();
        Path target = folder.resolve("target.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", target).ok();
        qemuIo(target, "qcow2", "write -P 0xdd 1M 9M").ok();
        try (Served served = Served.write(target, "qcow2")) {
            copy("--connections=4 --flush", source, served.uri());
        }
        qemuImg("check", target).ok();
        assertSame(source, "raw", target, "qcow2");
    }

    @Test
    void oneServersDiskGoesToAnother() throws IOException {
        Path source = Images.chain(Files.createDirectory(folder.resolve("a")));
        Path target = folder.resolve("b.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", target, "4M").ok();
        try (Served from = Served.read(source, "qcow2");
                Served to = Served.write(target, "qcow2")) {
            copy("--connections=4 --allocated --flush", from.uri(), to.uri());
        }
        qemuImg("check", target).ok();
        assertSame(source, "qcow2", target, "qcow2");
    }

    @Test
    void holesStayHoles() throws IOException {
        Path source = folder.resolve("source.raw");
        qemuImg("create", "-q", "-f", "raw", source, "64M").ok();
        qemuIo(source, "raw", "write -P 1 32M 64k").ok();
        Path target = folder.resolve("target.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", target, "64M").ok();
        try (Served from = Served.read(source, "raw")) {
            Path out = folder.resolve("out.raw");
            copy("--flush", from.uri(), out);
            assertSame(source, "raw", out, "raw");
            Peers.run("cmp", source, out).ok();
            long used = Long.parseLong(Peers.run("stat", "-c", "%b", out).ok().text()) * 512;
            assertTrue(used <= 1 << 20, used + " bytes used");
        }
        Path folderOfTarget = Files.createDirectory(folder.resolve("t"));
        Path moved = Files.move(target, folderOfTarget.resolve("target.qcow2"));
        try (Served to = Served.write(moved, "qcow2")) {
            copy("--flush", source, to.uri());
        }
        assertTrue(Files.size(moved) < 2 << 20, "file of " + Files.size(moved));
        assertSame(source, "raw", moved, "qcow2");
    }
}
