package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.run;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.graph.OpenRequest;
import dev.gaur.verify.Peers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** QEMU's tools as clients: what they do to our export is what they do to a file. */
class QemuClientTest {
    @TempDir Path folder;

    static Stream<Images.Kind> kinds() {
        return Images.all().stream();
    }

    private static Peers.Result io(String uri, String format, String... commands) {
        List<Object> words = new ArrayList<>(List.of("-f", format));
        for (String command : commands) {
            words.addAll(List.of("-c", command));
        }
        words.add(uri);
        return run("qemu-io", words.toArray());
    }

    private Path raw(String size) {
        Path file = folder.resolve("disk.raw");
        qemuImg("create", "-q", "-f", "raw", file, size).ok();
        return file;
    }

    private Path qcow2(String size) {
        Path file = folder.resolve("disk.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", file, size).ok();
        return file;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void convertsAndComparesEveryKind(Images.Kind kind) {
        Path image = kind.in(folder);
        Path out = folder.resolve("out.qcow2");
        try (Served served = Served.read(image, kind.format())) {
            String uri = served.uri();
            qemuImg("convert", "-f", "raw", "-O", "qcow2", "-m", "16", "-W", uri, out).ok();
            qemuImg("compare", "-U", "-f", "raw", "-F", kind.format(), uri, image).ok();
        }
        qemuImg("check", out).ok();
        qemuImg("compare", "-f", "qcow2", "-F", kind.format(), out, image).ok();
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void mapsAndMeasuresAsItDoesQemusOwnServer(Images.Kind kind) {
        Path image = kind.in(folder);
        Path socket = folder.resolve("qemu.sock");
        Path pid = folder.resolve("pid");
        String theirs = "nbd+unix:///?socket=" + socket;
        run(
                        "qemu-nbd",
                        "-r",
                        "-t",
                        "-f",
                        kind.format(),
                        "-k",
                        socket,
                        "--fork",
                        "--pid-file",
                        pid,
                        image)
                .ok();
        try (Served served = Served.read(image, kind.format())) {
            for (String command : List.of("map", "measure")) {
                List<Object> words = new ArrayList<>(List.of(command, "-f", "raw"));
                words.add("--output=json");
                if (command.equals("measure")) {
                    words.addAll(List.of("-O", "qcow2"));
                }
                words.add(theirs);
                Peers.Result qemu = qemuImg(words.toArray());
                words.set(words.size() - 1, served.uri());
                assertEquals(qemu.ok().out(), qemuImg(words.toArray()).ok().out());
            }
        } finally {
            run("sh", "-c", "kill $(cat \"$0\")", pid).ok();
        }
    }

    @Test
    void infoTellsTheSize() {
        try (Served served = Served.read(raw("12345k"), "raw")) {
            String info = qemuImg("info", "--output=json", served.uri()).ok().out();
            assertTrue(info.contains("\"virtual-size\": 12641280"), info);
        }
    }

    @Test
    void ioCommandsDoWhatTheySay() {
        Path image = qcow2("64M");
        try (Served served = Served.write(image, "qcow2")) {
            io(
                            served.uri(),
                            "raw",
                            "write -P 1 0 1M",
                            "write -f -P 2 512k 64k",
                            "write -z 100k 10k",
                            "write -z -u 200k 128k",
                            "write -z -f 960k 64k",
                            "discard 576k 64k",
                            "writev -P 3 2M 512 1k 4k",
                            "aio_write -P 4 3M 1M",
                            "aio_write -P 5 5M 100k",
                            "aio_flush",
                            "flush",
                            "read -P 1 0 100k",
                            "read -P 0 100k 10k",
                            "read -P 1 110k 90k",
                            "read -P 0 200k 128k",
                            "read -P 2 512k 64k",
                            "read -P 0 960k 64k",
                            "read -P 3 2M 5632",
                            "read -P 4 3M 1M",
                            "read -P 5 5M 100k",
                            "read -P 0 5220k 1M")
                    .ok();
            io(served.uri(), "raw", "read -P 1 0 101k").exited(1);
        }
        qemuImg("check", image).ok();
        Peers.qemuIo(image, "qcow2", "read -P 2 512k 64k", "read -P 4 3M 1M").ok();
    }

    @Test
    void everyCacheModeWrites() {
        Path image = qcow2("16M");
        try (Served served = Served.write(image, "qcow2")) {
            int pattern = 1;
            for (String cache :
                    List.of("none", "writethrough", "writeback", "directsync", "unsafe")) {
                run(
                                "qemu-io",
                                "-f",
                                "raw",
                                "-t",
                                cache,
                                "-c",
                                "write -P " + pattern + " 0 300k",
                                "-c",
                                "read -P " + pattern + " 1 299k",
                                served.uri())
                        .ok();
                pattern++;
            }
        }
        qemuImg("check", image).ok();
    }

    @Test
    void anImageOfItsOwnLivesInOurExport() {
        Path image = raw("64M");
        Path source = Images.qcow2(folder);
        try (Served served = Served.write(image, "raw")) {
            String uri = served.uri();
            qemuImg("create", "-q", "-f", "qcow2", uri, "48M").ok();
            io(uri, "qcow2", "write -P 7 1M 3M", "write -z 2M 64k", "read -P 7 1M 1M").ok();
            qemuImg("snapshot", "-c", "one", uri).ok();
            io(uri, "qcow2", "write -P 8 1M 1M", "read -P 8 1M 1M").ok();
            qemuImg("check", "-f", "qcow2", uri).ok();
            qemuImg("convert", "-n", "-f", "qcow2", "-O", "qcow2", source, uri).ok();
            qemuImg("compare", "-f", "qcow2", "-F", "qcow2", uri, source).exited(0);
            qemuImg("check", "-f", "qcow2", uri).ok();
        }
        qemuImg("check", "-f", "qcow2", image).ok();
        Path copy = folder.resolve("snapshot.raw");
        qemuImg("convert", "-f", "qcow2", "-O", "raw", "-l", "one", image, copy).ok();
        Peers.qemuIo(copy, "raw", "read -P 7 3M 1M", "read -P 0 2M 64k").ok();
    }

    @Test
    void anImageThatOutgrowsTheExportIsToldSo() {
        Path image = raw("1M");
        try (Served served = Served.write(image, "raw")) {
            qemuImg("create", "-q", "-f", "qcow2", served.uri(), "16M").ok();
            Peers.Result result = io(served.uri(), "qcow2", "write -P 1 0 2M");
            assertTrue(result.status() == 1 || result.err().contains("rror"), result.toString());
            qemuImg("check", "-f", "qcow2", served.uri()).ok();
        }
    }

    @Test
    void ourExportIsABackingFile() {
        Path base = Images.chain(folder);
        Path top = folder.resolve("top.qcow2");
        try (Served served = Served.read(base, "qcow2")) {
            String uri = served.uri();
            qemuImg("create", "-q", "-f", "qcow2", "-b", uri, "-F", "raw", top).ok();
            Peers.qemuIo(top, "qcow2", "write -P 99 100k 5k").ok();
            Peers.qemuIo(top, "qcow2", "read -P 99 100k 5k", "read -P 1 0 100k").ok();
            qemuImg("rebase", "-b", "", top).ok();
        }
        Peers.qemuIo(top, "qcow2", "read -P 1 0 100k", "read -P 99 100k 5k").ok();
    }

    @Test
    void benchKeepsItsQueueFull() {
        Path image = qcow2("64M");
        try (Served served = Served.write(image, "qcow2")) {
            String uri = served.uri();
            qemuImg(
                            "bench", "-w", "-c", "1000", "-d", "64", "-s", "4k", "-S", "20k", "-f",
                            "raw", uri)
                    .ok();
            qemuImg(
                            "bench",
                            "-w",
                            "-c",
                            "500",
                            "-d",
                            "32",
                            "--flush-interval",
                            "64",
                            "--no-drain",
                            "--pattern",
                            "5",
                            "-s",
                            "64k",
                            "-f",
                            "raw",
                            uri)
                    .ok();
            qemuImg("bench", "-c", "1000", "-d", "64", "-s", "4k", "-f", "raw", uri).ok();
            io(uri, "raw", "read -P 5 0 31M").ok();
        }
        qemuImg("check", image).ok();
    }

    @Test
    void oldNamesOfServersWork() {
        Path image = Images.qcow2(folder);
        try (Served served = Served.nothing(folder)) {
            served.add("the disk", image, OpenRequest.READ);
            Path socket = folder.resolve("gaur.sock");
            String old = "nbd:unix:" + socket + ":exportname=the disk";
            qemuImg("compare", "-U", "-f", "raw", "-F", "qcow2", old, image).ok();
            String options =
                    "driver=nbd,server.type=unix,server.path=" + socket + ",export=the disk";
            run("qemu-io", "-r", "--image-opts", "-c", "read -P 1 0 64k", options).ok();
        }
    }

    @Test
    void severalToolsUseOneDiskAtATime() throws InterruptedException {
        Path image = qcow2("64M");
        try (Served served = Served.write(image, "qcow2")) {
            List<Thread> tools = new ArrayList<>();
            List<Peers.Result> results = Collections.synchronizedList(new ArrayList<>());
            for (int i = 0; i < 4; i++) {
                String at = 16 * i + "M";
                String write = "write -P " + (i + 1) + " " + at + " 16M";
                String read = "read -P " + (i + 1) + " " + at + " 16M";
                tools.add(
                        Thread.startVirtualThread(
                                () -> results.add(io(served.uri(), "raw", write, "flush", read))));
            }
            for (Thread tool : tools) {
                tool.join();
            }
            assertEquals(4, results.size());
            results.forEach(Peers.Result::ok);
        }
        qemuImg("check", image).ok();
    }
}
