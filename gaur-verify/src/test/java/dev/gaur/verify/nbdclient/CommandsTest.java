package dev.gaur.verify.nbdclient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.cli.Cli;
import dev.gaur.nbd.Nbd;
import dev.gaur.testkit.ScriptedNbd;
import dev.gaur.testkit.ScriptedNbd.Peer;
import dev.gaur.testkit.ScriptedNbd.Request;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands whose source or target is another server's disk; qemu-img judges what comes out. */
class CommandsTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 24 * MIB;

    @TempDir Path folder = Path.of("");

    /** A file with random bytes, a hole, and zeros at the end. */
    private Path source() throws IOException {
        byte[] bytes = new byte[3 * MIB];
        new Random(4).nextBytes(bytes);
        Path file = folder.resolve("source");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.write(bytes);
            disk.seek(9 * MIB);
            disk.write(bytes);
            disk.setLength(SIZE);
        }
        return file;
    }

    private ForeignServer empty(long size) throws Exception {
        Path file = folder.resolve("served");
        byte[] old = new byte[(int) size];
        java.util.Arrays.fill(old, (byte) 0x55);
        Files.write(file, old);
        return ForeignServer.qemuNbd(folder, "-f", "raw", file.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void aDiskIsCopiedToAServerAndBack(String format) throws Exception {
        Path source = source();
        Path back = folder.resolve("back");
        try (ForeignServer server = empty(2 * SIZE)) {
            Cli.asQemuImg("convert", "-f", "raw", "-O", format, source, server.uri()).ok();
            if (format.equals("qcow2")) {
                Peers.qemuImg("check", "-f", format, server.uri()).ok();
                Cli.asQemuImg("check", "-f", format, server.uri()).ok();
                Peers.qemuImg("compare", "-f", "raw", "-F", format, source, server.uri()).ok();
                Cli.asQemuImg("compare", "-f", "raw", "-F", format, source, server.uri()).ok();
            }
            Cli.asQemuImg("convert", "-f", format, "-O", "raw", server.uri(), back).ok();
        }
        try (RandomAccessFile file = new RandomAccessFile(back.toFile(), "rw")) {
            file.setLength(SIZE); // What the server has behind it is not the copy's.
        }
        Peers.qemuImg("compare", "-f", "raw", "-F", "raw", source, back).ok();
    }

    @Test
    void whatIsThereIsOverwrittenWithN() throws Exception {
        Path source = source();
        try (ForeignServer server = empty(SIZE)) {
            Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "raw", source, server.uri()).ok();
            Peers.qemuImg("compare", "-f", "raw", "-F", "raw", source, server.uri()).ok();
        }
    }

    @Test
    void infoAndMapSayWhatQemuImgSays() throws Exception {
        Path source = source();
        try (ForeignServer server = ForeignServer.qemuNbd(folder, "-f", "raw", source.toString())) {
            String path = "path=" + server.socket();
            Object[][] calls = {
                {"info", "-f", "raw", server.uri()},
                {"info", "--output=json", "-f", "raw", server.uri()},
                {"info", "--output=json", server.uri()},
                {"info", "-f", "nbd", server.uri()},
                {"info", "--image-opts", "driver=nbd," + path},
                {"info", "--output=json", "--image-opts", "driver=nbd," + path},
                {
                    "info",
                    "--output=json",
                    "--image-opts",
                    "driver=raw,file.driver=nbd,file." + path
                },
                {"info", "json:{\"driver\":\"nbd\",\"path\":\"" + server.socket() + "\"}"},
                {"info", "--image-opts", "driver=file,filename=" + source},
                {"info", "--output=json", "--image-opts", "driver=file,filename=" + source},
                {"map", "-f", "raw", server.uri()},
                {"map", "--output=json", "--image-opts", "driver=nbd," + path},
            };
            for (Object[] each : calls) {
                assertEquals(Peers.qemuImg(each).ok().out(), Cli.asQemuImg(each).ok().out());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nbd:",
                "nbd:foo",
                "nbd:foo:x",
                "nbd://",
                "nbd:///x",
                "nbd://127.0.0.1:99999/x",
                "nbd://127.0.0.1:1/x%20y",
                "nbd://[::1]:1/",
                "nbd:[::1]:1:exportname=q",
                "nbd://127.0.0.1:1/?foo",
                "nbd+unix:///nope",
                "nbd+unix://host/a?socket=/x",
                "nbd+unix:///a?socket=/x&foo=1",
                "nbd+unix:///?socket=/no%20where",
                "nbd:unix:/nowhere:exportname=",
                "nbd:unix:/nowhere:foo",
                "nbd+foo://x"
            })
    void namesThatLeadNowhereAreRefusedAsByQemuImg(String name) {
        assertEquals(
                Peers.qemuImg("info", name).exited(1).err(),
                Cli.asQemuImg("info", name).exited(1).err());
    }

    @Test
    void whatCannotBeDoneIsRefusedAsByQemuImg() throws Exception {
        Path source = source();
        Path small = folder.resolve("small");
        Files.write(small, new byte[MIB]);
        try (ForeignServer server = ForeignServer.qemuNbd(folder, "-f", "raw", small.toString())) {
            String uri = server.uri();
            Object[][] wrong = {
                {"resize", "-f", "raw", uri, "2M"},
                {"resize", "-f", "raw", "--shrink", uri, "512k"},
                {"convert", "-f", "raw", "-O", "raw", source, uri},
                {"convert", "-n", "-f", "raw", "-O", "raw", source, uri},
                {"create", "-q", "-f", "raw", uri, "2M"},
                {"info", uri.replace("///", "///nope")},
            };
            for (Object[] each : wrong) {
                assertEquals(
                        Peers.qemuImg(each).exited(1).err(), Cli.asQemuImg(each).exited(1).err());
            }
        }
    }

    // ---- errors

    @ParameterizedTest
    @ValueSource(strings = {"pread", "extents"})
    void errorsOfTheSourceFailACopyAndLeaveNothing(String what) throws Exception {
        Path target = folder.resolve("target");
        try (ForeignServer server =
                ForeignServer.nbdkit(
                        folder,
                        "--filter=error",
                        "sparse-random",
                        "size=64M",
                        "percent=100",
                        "error-" + what + "-rate=100%")) {
            for (String format : new String[] {"raw", "qcow2"}) {
                Cli.asQemuImg("convert", "-f", "raw", "-O", format, server.uri(), target).exited(1);
                assertFalse(Files.exists(target), format);
            }
        }
    }

    /** The server tells of a mebibyte at a time, and of the last ones nothing. */
    @Test
    void oneErrorAmongManyStatusRequestsFailsACopyAndLeavesNothing() throws Exception {
        Path target = folder.resolve("target");
        Path asked = folder.resolve("asked");
        String extents = "echo $4 >>%s; [ $4 -lt %d ] && echo $4 1M hole,zero";
        try (ForeignServer server =
                ForeignServer.nbdkit(
                        folder,
                        "eval",
                        "get_size=echo 64M",
                        "can_extents=exit 0",
                        "pread=head -c $3 /dev/zero",
                        "extents=" + extents.formatted(asked, 60 * MIB))) {
            for (String format : new String[] {"raw", "qcow2"}) {
                Cli.asQemuImg("convert", "-f", "raw", "-O", format, server.uri(), target).exited(1);
                assertFalse(Files.exists(target), format);
                List<String> places = Files.readAllLines(asked);
                assertTrue(places.contains(Integer.toString(60 * MIB)), places.toString());
                assertTrue(places.size() > 10, places.toString());
                Files.delete(asked);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pwrite", "zero"})
    void errorsOfTheTargetFailACopy(String what) throws Exception {
        Path source = source();
        try (ForeignServer server =
                ForeignServer.nbdkit(
                        folder,
                        "--filter=error",
                        "memory",
                        "size=64M",
                        "error-" + what + "-rate=100%")) {
            Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "raw", source, server.uri())
                    .exited(1);
        }
    }

    /** CVE-2022-0485: one of many requests fails, and the copy went on without its bytes. */
    @Test
    void oneErrorAmongManyReadsFailsACopyAndLeavesNothing() throws Exception {
        AtomicInteger reads = new AtomicInteger();
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, Nbd.CAN_MULTI_CONN, 0);
                    serve(peer, reads);
                };
        Path socket = folder.resolve("socket");
        Path target = folder.resolve("target");
        for (String format : new String[] {"raw", "qcow2"}) {
            reads.set(0);
            try (ScriptedNbd server = ScriptedNbd.start(socket, script)) {
                String uri = "nbd+unix:///?socket=" + socket;
                Cli.asQemuImg("convert", "-m", "2", "-f", "raw", "-O", format, uri, target)
                        .exited(1); // Two reads at a time: the last comes when others are done.
                assertTrue(reads.get() > 10, format + " " + reads + " of " + server.endpoint());
                assertFalse(Files.exists(target), format);
            }
        }
    }

    private static void serve(Peer peer, AtomicInteger reads) throws IOException {
        while (true) {
            Request request = peer.request();
            if (request.type() == Nbd.CMD_DISC) {
                return;
            }
            boolean last = request.offset() + request.length() == SIZE;
            reads.incrementAndGet();
            byte[] data = new byte[last ? 0 : (int) request.length()];
            java.util.Arrays.fill(data, (byte) 1);
            peer.simple(request, last ? 5 : 0, data);
        }
    }

    // ---- names in images

    @Test
    void anImageOnAServerReachesNothingBesideIt() throws Exception {
        Path base = folder.resolve("base");
        Files.write(base, new byte[MIB]);
        Path image = folder.resolve("image");
        Peers.qemuImgIn(
                        folder,
                        "create",
                        "-q",
                        "-f",
                        "qcow2",
                        "-b",
                        "base",
                        "-F",
                        "raw",
                        image.toString())
                .ok();
        try (ForeignServer server = ForeignServer.qemuNbd(folder, "-f", "raw", image.toString())) {
            String why =
                    Cli.asQemuImg("convert", server.uri(), folder.resolve("out")).exited(1).err();
            assertTrue(why.contains("'base' is not followed"), why);
        }
    }

    /** Returns an overlay with some data whose backing file is what a server has. */
    private Path overlayOf(ForeignServer server) {
        Path image = folder.resolve("overlay");
        Object[] create = {
            "create", "-q", "-u", "-f", "qcow2", "-b", server.uri(), "-F", "raw", image, SIZE
        };
        Peers.qemuImg(create).ok();
        Peers.qemuIo(image, "qcow2", "write -P 7 5M 2M", "write -P 8 9M 64k").ok();
        return image;
    }

    /** Returns how a user says that the backing file is a server's. */
    private static String withBacking(Path image, ForeignServer server) {
        return "driver=qcow2,file.filename=%s,backing.driver=nbd,backing.path=%s"
                .formatted(image, server.socket());
    }

    @Test
    void aBackingFileOnAServerIsFollowedIfTheUserNamesIt() throws Exception {
        String source = source().toString();
        try (ForeignServer server = ForeignServer.qemuNbd(folder, "-f", "raw", source)) {
            Path image = overlayOf(server);
            byte[] before = Files.readAllBytes(image);
            for (Object[] each : new Object[][] {{"commit", image}, {"rebase", "-b", "", image}}) {
                String why = Cli.asQemuImg(each).exited(1).err();
                assertTrue(why.contains("' is not followed: it has a protocol"), why);
            }
            assertEquals(-1, java.util.Arrays.mismatch(before, Files.readAllBytes(image)));
            Path expected = folder.resolve("expected");
            Peers.qemuImg("convert", "-O", "raw", image, expected).ok();
            Path flat = Files.copy(image, folder.resolve("flat"));
            String named = withBacking(flat, server);
            Cli.asQemuImg("rebase", "--image-opts", "-b", "", named).ok();
            Peers.qemuImg("check", flat).ok();
            Peers.qemuImg("compare", "-f", "qcow2", "-F", "raw", flat, expected).ok();
            Cli.asQemuImg("commit", "--image-opts", withBacking(image, server)).ok();
            Peers.qemuImg("compare", "-f", "raw", "-F", "raw", server.uri(), expected).ok();
            Peers.qemuImg("check", image).ok();
        }
    }

    @Test
    void aProgramOpensAUri() throws Exception {
        Path source = source();
        try (ForeignServer server = ForeignServer.qemuNbd(folder, "-f", "raw", source.toString());
                DiskImage disk =
                        Gaur.open(
                                URI.create(server.uri()), OpenOptions.DEFAULT.withFormat("raw"))) {
            assertEquals(SIZE, disk.size());
            try (var bytes = disk.inputStream(0, 16)) {
                assertEquals(16, bytes.readAllBytes().length);
            }
        }
    }
}
