package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.export.Export;
import dev.gaur.format.Preallocation;
import dev.gaur.format.Resizing;
import dev.gaur.graph.OpenRequest;
import dev.gaur.net.Endpoint;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Exports that come and go, and change their size, while clients are connected. */
class ExportsTest {
    private static final OpenRequest WRITE = OpenRequest.READ.withWritable(true);

    /** Writes a sector at a time, 100 in flight, and tells how many were acknowledged. */
    private static final String WRITER =
            """
            h = connect(uri)
            pending, acknowledged, i = {}, 0, 0
            try:
                while True:
                    while len(pending) < 100:
                        data = nbd.Buffer.from_bytearray(bytearray([1 + i % 255]) * 512)
                        pending[h.aio_pwrite(data, i * 512)] = i
                        i += 1
                        if i == 500:
                            say("under way")
                    h.poll(-1)
                    done = [c for c in pending if h.aio_command_completed(c)]
                    acknowledged += len(done)
                    for cookie in done:
                        del pending[cookie]
            except nbd.Error:
                for cookie in list(pending):
                    try:
                        acknowledged += h.aio_command_completed(cookie)
                        del pending[cookie]
                    except nbd.Error:
                        pass
            # What nobody has heard of is in no order: the last that was acknowledged decides.
            say("acknowledged", min(pending.values(), default=i))
            """;

    @TempDir Path folder;

    private Path qcow2(String name, String size) {
        Path file = folder.resolve(name);
        qemuImg("create", "-q", "-f", "qcow2", file, size).ok();
        return file;
    }

    @Test
    void whatWasAcknowledgedIsThereWhenAnExportWasRemoved() throws IOException {
        Path image = qcow2("busy.qcow2", "1G");
        try (Served served = Served.nothing(folder)) {
            served.add("busy", image, WRITE);
            try (Python.Talk client = Python.start(WRITER, served.uri("busy"))) {
                assertEquals("under way", client.hear());
                assertTrue(served.server().remove("busy"));
                served.disk().close();
                int count = Integer.parseInt(client.hear().split(" ")[1]);
                client.end();
                assertTrue(count >= 400, count + " acknowledged");
                qemuImg("check", image).ok();
                Path raw = folder.resolve("raw");
                qemuImg("convert", "-O", "raw", image, raw).ok();
                Python.runAlone(
                        """
                        with open(args[0], "rb") as f:
                            for i in range(int(args[1])):
                                assert f.read(512) == bytes([1 + i % 255]) * 512, i
                        """,
                        "", raw, count);
            }
            Peers.run("nbdinfo", "--size", served.uri("busy")).exited(1);
        }
    }

    @Test
    void allThatHadArrivedIsAnswered() throws IOException {
        Path image = qcow2("disk.qcow2", "1G");
        try (Served served = Served.nothing(folder)) {
            Export export = served.add("plain", image, WRITE);
            HeldDisk held = new HeldDisk(export.disk());
            served.server().add(Export.of("held", held).withWritable(true));
            String script =
                    """
                    h = connect(uri)
                    buffer = nbd.Buffer.from_bytearray(bytearray(b"x" * 512))
                    cookies = [h.aio_pwrite(buffer, i * 65536) for i in range(64)]
                    assert h.aio_is_ready() or not h.aio_get_direction() & 2
                    say("sent")
                    assert hear() == "go on"
                    while h.aio_in_flight():
                        h.poll(-1)
                    assert all(h.aio_command_completed(cookie) for cookie in cookies)
                    """;
            try (Python.Talk client = Python.start(script, served.uri("held"))) {
                assertEquals("sent", client.hear());
                held.awaitFirst();
                Thread remover = Thread.startVirtualThread(() -> served.server().remove("held"));
                held.goOnWhen(() -> served.server().exports().size() == 1);
                client.say("go on");
                client.end();
                remover.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            assertEquals(64, held.writes());
        }
        qemuImg("check", image).ok();
        qemuIo(image, "qcow2", "read -P 0x78 0 512", "read -P 0x78 4032k 512").ok();
    }

    @Test
    void othersGoOnWhenAnExportIsRemoved() throws IOException {
        Path one = qcow2("one.qcow2", "16M");
        Path two = qcow2("two.qcow2", "16M");
        try (Served served = Served.nothing(folder)) {
            served.add("one", one, WRITE);
            served.add("two", two, WRITE);
            String script =
                    """
                    h = connect(uri)
                    h.pwrite(b"before", 0)
                    say("ready")
                    hear()
                    h.pwrite(b"after", 6)
                    assert h.pread(11, 0) == b"beforeafter"
                    h.shutdown()
                    """;
            try (Python.Talk client = Python.start(script, served.uri("one"))) {
                assertEquals("ready", client.hear());
                assertTrue(served.server().remove("two"));
                client.say("go on");
                client.end();
            }
        }
    }

    @Test
    void clientsThatComeLaterFindWhatWasAddedLater() throws IOException {
        Path one = qcow2("one.qcow2", "16M");
        Path two = Images.bitmaps(folder);
        try (Served served = Served.nothing(folder)) {
            served.add("one", one, WRITE);
            String script =
                    """
                    h = connect(uri)
                    say("ready")
                    hear()
                    other = nbd.NBD()
                    other.set_opt_mode(True)
                    other.connect_uri(uri)
                    names = []
                    other.opt_list(lambda name, description: names.append(name) or 0)
                    assert names == ["one", "two"], names
                    other.set_export_name("two")
                    other.opt_go()
                    assert other.get_size() == 4 << 20
                    assert other.pread(1, 0) == b"\\1"
                    h.pwrite(b"still here", 0)
                    h.shutdown()
                    """;
            try (Python.Talk client = Python.start(script, served.uri("one"))) {
                assertEquals("ready", client.hear());
                served.add("two", two, OpenRequest.READ);
                client.say("go on");
                client.end();
            }
        }
    }

    @Test
    void aNameCanBeUsedAgain() {
        Path one = qcow2("one.qcow2", "16M");
        Path two = qcow2("two.qcow2", "32M");
        try (Served served = Served.nothing(folder)) {
            for (int i = 0; i < 5; i++) {
                Export first = served.add("it", one, OpenRequest.READ.withShared(true));
                String size = Peers.run("nbdinfo", "--size", served.uri("it")).ok().text();
                assertEquals("16777216", size);
                assertTrue(served.server().remove("it"));
                assertEquals(16 << 20, first.disk().length());
                served.add("it", two, OpenRequest.READ.withShared(true));
                size = Peers.run("nbdinfo", "--size", served.uri("it")).ok().text();
                assertEquals("33554432", size);
                assertTrue(served.server().remove("it"));
            }
        }
    }

    @Test
    void newClientsSeeANewSizeAndOldOnesStayWithinTheirs() throws IOException {
        Path image = qcow2("disk.qcow2", "16M");
        try (Served served = Served.write(image, "qcow2")) {
            Resizing resizing = served.disk().resizing().orElseThrow();
            String script =
                    """
                    M = 1 << 20
                    old = connect(uri)
                    old.pwrite(b"x" * M, 15 * M)
                    say("16M")
                    hear()
                    assert old.get_size() == 16 * M
                    fails(errno.EINVAL, lambda: old.pread(1, 16 * M))
                    fails(errno.ENOSPC, lambda: old.pwrite(b"y", 16 * M))
                    new = connect(uri)
                    assert new.get_size() == 32 * M
                    assert new.pread(M, 31 * M) == bytes(M)
                    new.pwrite(b"y" * M, 31 * M)
                    assert old.pread(M, 15 * M) == b"x" * M
                    say("32M")
                    hear()
                    for h in (old, new):
                        fails(errno.EINVAL, lambda: h.pread(512, 12 * M))
                        fails(errno.EINVAL, lambda: h.pwrite(b"z", 12 * M))
                        h.pwrite(b"z" * 512, 4 * M)
                    small = connect(uri)
                    assert small.get_size() == 8 * M
                    assert small.pread(512, 4 * M) == b"z" * 512
                    """;
            try (Python.Talk client = Python.start(script, served.uri())) {
                assertEquals("16M", client.hear());
                resizing.resize(32 << 20, Preallocation.OFF);
                client.say("grown");
                assertEquals("32M", client.hear());
                resizing.resize(8 << 20, Preallocation.OFF);
                client.say("shrunk");
                client.end();
            }
        }
        qemuImg("check", image).ok();
        qemuIo(image, "qcow2", "read -P 0x7a 4M 512").ok();
    }

    @Test
    void twoKindsOfExportsShareAServer() {
        Path raw = Images.all().getFirst().in(folder);
        Path chain = Images.chain(folder);
        try (Served served = Served.nothing(folder)) {
            served.add("raw", raw, OpenRequest.READ.withFormat("raw"));
            served.add("chain", chain, WRITE);
            Python.runAlone(
                    """
                    raw, chain = connect(uri), connect(args[0])
                    assert raw.is_read_only() and not chain.is_read_only()
                    before = raw.pread(8 << 20, 0)
                    for i in range(50):
                        chain.pwrite(bytes([i]) * 3000, i * 50000)
                        fails(errno.EPERM, lambda: raw.pwrite(bytes([i]) * 3000, i * 50000))
                        assert raw.pread(3000, i * 50000) == before[i * 50000 : i * 50000 + 3000]
                        assert chain.pread(3000, i * 50000) == bytes([i]) * 3000
                    chain.flush()
                    assert raw.pread(8 << 20, 0) == before
                    """,
                    served.uri("raw"),
                    served.uri("chain"));
        }
        qemuImg("check", chain).ok();
        qemuIo(chain, "qcow2", "read -P 49 2450000 3000").ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1", "localhost", ""})
    void oneServerListensAtSeveralPlaces(String host) throws IOException {
        Path image = qcow2("disk.qcow2", "16M");
        try (Served served = Served.write(image, "qcow2")) {
            var place = (Endpoint.Tcp) served.server().listen(new Endpoint.Tcp(host, 0));
            Python.runAlone(
                    """
                    unix = connect(uri)
                    for host in args[1:]:
                        tcp = nbd.NBD()
                        tcp.connect_tcp(host, args[0])
                        unix.pwrite(host.encode() * 5000, 123)
                        assert tcp.pread(5000 * len(host), 123) == host.encode() * 5000
                        tcp.pwrite(b"over tcp" * 100000, 1 << 20)
                        tcp.flush()
                        assert unix.pread(800000, 1 << 20) == b"over tcp" * 100000
                        unix.zero(2 << 20, 0)
                    """,
                    served.uri(),
                    Stream.concat(
                                    Stream.of(place.port()),
                                    host.isEmpty()
                                            ? Stream.of("127.0.0.1", "::1")
                                            : Stream.of(host))
                            .toArray());
        }
        qemuImg("check", image).ok();
    }
}
