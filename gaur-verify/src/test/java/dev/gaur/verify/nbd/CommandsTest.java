package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.graph.OpenRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every command and flag, by scripts that use libnbd, on one writable disk of 64 MiB. */
class CommandsTest {
    private final Path folder;
    private final Path image;
    private final Served served;

    CommandsTest(@TempDir Path folder) {
        this.folder = folder;
        this.image = folder.resolve("disk.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", image, "64M").ok();
        this.served = Served.write(image, "qcow2");
    }

    @AfterEach
    void imageIsIntact() {
        served.close();
        qemuImg("check", image).ok();
    }

    private void run(String script, Object... arguments) {
        Python.run(script, served.uri(), arguments);
    }

    private void runAlone(String script, Object... arguments) {
        Python.runAlone(script, served.uri(), arguments);
    }

    // ---- reads and writes

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 511, 512, 4095, 4096, 65535, 65536, 1048575})
    void writesAndReadsAtAnyOffset(int offset) {
        run(
                """
                start = int(args[0])
                model = bytearray(h.pread(4 << 20, 0))
                for i, size in enumerate([1, 2, 511, 513, 4096, 65537, 200001]):
                    data = random_bytes(i, size)
                    at = start + i * 1000
                    h.pwrite(data, at)
                    model[at : at + size] = data
                    assert h.pread(size, at) == data, (at, size)
                    assert h.pread(1, at + size - 1) == data[-1:]
                assert h.pread(4 << 20, 0) == model
                """,
                offset);
    }

    @Test
    void readsAndWritesTheLastByte() {
        run(
                """
                end = h.get_size()
                h.pwrite(b"x", end - 1)
                assert h.pread(2, end - 2) == b"\\0x"
                h.pwrite(b"yz", end - 2)
                assert h.pread(1, end - 1) == b"z"
                """);
    }

    @Test
    void takesThirtyTwoMebibytesAtOnceAndNotAByteMore() {
        run(
                """
                most = 32 << 20
                data = random_bytes(1, 1 << 20) * 32
                h.pwrite(data, 5)
                assert h.pread(most, 5) == data
                fails(errno.EINVAL, lambda: h.pread(most + 1, 0))
                h.zero(most + 1, 0)
                assert h.pread(most, 5)[: most - 4] == bytes(most - 4)
                assert h.pread(4, most + 1) == data[-4:]
                h.cache(most, 0)
                """);
    }

    @Test
    void aWriteOfMoreThanThatEndsTheConnection() {
        runAlone(
                """
                h = connect(uri)
                try:
                    h.pwrite(bytes((32 << 20) + 1), 0)
                except nbd.Error:
                    pass
                else:
                    raise AssertionError("was taken")
                assert connect(uri).pread(512, 0) == bytes(512)
                """);
    }

    @Test
    void requestsPastTheEndFailAndTheNextOnesWork() {
        run(
                """
                end = h.get_size()
                h.pwrite(b"last", end - 4)
                for at, count in [(end, 1), (end - 1, 2), (end + 4096, 4096), (1 << 62, 1),
                                  ((1 << 63) - 1, 512), ((1 << 64) - 1, 1)]:
                    fails(errno.EINVAL, lambda: h.pread(count, at))
                    fails(errno.ENOSPC, lambda: h.pwrite(bytes(count), at))
                    fails(errno.ENOSPC, lambda: h.zero(count, at))
                    fails(errno.EINVAL, lambda: h.trim(count, at))
                    fails(errno.EINVAL, lambda: h.cache(count, at))
                    assert h.pread(4, end - 4) == b"last"
                """);
    }

    @Test
    void aReadInOnePieceHasNoHoles() {
        run(
                """
                h.pwrite(b"a" * 65536, 1 << 20)
                def chunks(flags):
                    found = []
                    def chunk(data, offset, kind, error):
                        found.append((offset, len(data), kind))
                        return 0
                    data = h.pread_structured(3 << 20, 0, chunk, flags=flags)
                    assert data == bytes(1 << 20) + b"a" * 65536 + bytes((2 << 20) - 65536)
                    return found
                assert chunks(nbd.CMD_FLAG_DF) == [(0, 3 << 20, nbd.READ_DATA)]
                parts = sorted(chunks(0))
                assert parts == [(0, 1 << 20, nbd.READ_HOLE),
                                 (1 << 20, 65536, nbd.READ_DATA),
                                 ((1 << 20) + 65536, (2 << 20) - 65536, nbd.READ_HOLE)], parts
                """);
    }

    @Test
    void aSmallReadOfZerosIsAHole() {
        run(
                """
                kinds = []
                def chunk(data, offset, kind, error):
                    kinds.append(kind)
                    return 0
                h.pread_structured(4096, 0, chunk)
                h.pread_structured(4096, 0, chunk, flags=nbd.CMD_FLAG_DF)
                h.pread_structured(100, 0, chunk)
                assert kinds == [nbd.READ_HOLE, nbd.READ_DATA, nbd.READ_DATA], kinds
                """);
    }

    @Test
    void simpleRepliesReadTheSame() {
        runAlone(
                """
                rich = connect(uri)
                data = random_bytes(7, 100000)
                rich.pwrite(data, 99)
                plain = connect(uri, prepare=lambda h: h.set_request_structured_replies(False))
                assert not plain.get_structured_replies_negotiated()
                assert not plain.can_df()
                assert plain.pread(3 << 20, 0) == rich.pread(3 << 20, 0)
                fails(errno.EINVAL, lambda: plain.pread(1 << 26, 1))
                plain.pwrite(b"more", 0)
                plain.zero(4096, 1000)
                plain.flush()
                assert rich.pread(1000, 0) == b"more" + bytes(95) + data[:901]
                """);
    }

    // ---- writes and their kin

    @Test
    void everyChangeTakesFua() {
        run(
                """
                fua = nbd.CMD_FLAG_FUA
                h.pwrite(b"f" * 70000, 1000, flags=fua)
                h.zero(4096, 1500, flags=fua)
                h.zero(4096, 8000, flags=fua | nbd.CMD_FLAG_NO_HOLE)
                h.trim(4096, 20480, flags=fua)
                expected = bytearray(b"f" * 70000)
                expected[500:4596] = bytes(4096)
                expected[7000:11096] = bytes(4096)
                read = h.pread(70000, 1000)
                assert read[:19480] == expected[:19480]
                assert read[19480:23576] in (bytes(4096), expected[19480:23576])
                assert read[23576:] == expected[23576:]
                """);
    }

    @Test
    void fastZeroIsFastOrRefusedAndZerosAreThere() {
        run(
                """
                h.pwrite(b"x" * (1 << 20), 0)
                for flags in (0, nbd.CMD_FLAG_NO_HOLE):
                    try:
                        h.zero(65536, 65536, flags=flags | nbd.CMD_FLAG_FAST_ZERO)
                        assert h.pread(65536, 65536) == bytes(65536)
                    except nbd.Error as e:
                        assert e.errnum == errno.ENOTSUP, e
                        assert h.pread(65536, 65536) == b"x" * 65536
                    h.zero(65536, 65536, flags=flags)
                    assert h.pread(65538, 65535) == b"x" + bytes(65536) + b"x"
                    h.pwrite(b"x" * 65536, 65536)
                """);
    }

    @Test
    void zerosThatShallBeNoHoleKeepTheirPlace() {
        run(
                """
                h.pwrite(b"x" * 131072, 0)
                h.zero(65536, 0, flags=nbd.CMD_FLAG_NO_HOLE)
                h.zero(65536, 65536)
                h.flush()
                assert h.pread(131072, 0) == bytes(131072)
                """);
        String map = qemuImg("map", "-U", "--output=json", image).ok().out();
        assertEquals(2, map.lines().filter(line -> line.contains("\"present\": true")).count());
        assertEquals(1, map.lines().filter(line -> line.contains("\"offset\"")).count(), map);
    }

    @Test
    void zerosAndTrimsOfTheWholeDiskAreOneRequest() {
        run(
                """
                h.pwrite(b"x" * 300000, 12345)
                h.zero(h.get_size(), 0)
                assert h.pread(400000, 0) == bytes(400000)
                h.pwrite(b"x" * 300000, 12345)
                h.trim(h.get_size(), 0)
                assert h.pread(65536, 65536) == bytes(65536)
                """);
    }

    @Test
    void flushAndCacheAndEmptyRequestsSucceed() {
        run(
                """
                h.flush()
                h.cache(1 << 20, 123)
                h.cache(h.get_size() // 2, 0)
                h.zero(0, 0)
                h.trim(0, h.get_size())
                h.pwrite(b"", 5)
                assert h.pread(512, 0) == bytes(512)
                """);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pread", "pwrite", "zero", "trim", "cache", "flush", "status"})
    void flagsThatNobodyKnowsAreInvalid(String command) {
        runAlone(
                """
                h = connect(uri, contexts=["base:allocation"])
                calls = {
                    "pread": lambda f: h.pread(512, 0, flags=f),
                    "pwrite": lambda f: h.pwrite(bytes(512), 0, flags=f),
                    "zero": lambda f: h.zero(512, 0, flags=f),
                    "trim": lambda f: h.trim(512, 0, flags=f),
                    "cache": lambda f: h.cache(512, 0, flags=f),
                    "flush": lambda f: h.flush(flags=f),
                    "status": lambda f: extents(h, 512, 0, flags=f),
                }
                call = calls[args[0]]
                for flag in (1 << 6, 1 << 9, 1 << 15, 0xffc0):
                    fails(errno.EINVAL, lambda: call(flag))
                    call(0)
                wrong = {"pread": nbd.CMD_FLAG_REQ_ONE, "pwrite": nbd.CMD_FLAG_FAST_ZERO,
                         "zero": nbd.CMD_FLAG_DF, "trim": nbd.CMD_FLAG_NO_HOLE,
                         "cache": nbd.CMD_FLAG_DF, "flush": nbd.CMD_FLAG_NO_HOLE,
                         "status": nbd.CMD_FLAG_DF}
                fails(errno.EINVAL, lambda: call(wrong[args[0]]))
                assert h.pread(512, 0) == bytes(512)
                h.shutdown()
                """,
                command);
    }

    @Test
    void aReadOnlyExportRefusesEveryChange() {
        served.add("fixed", Images.qcow2(folder), OpenRequest.READ);
        Python.run(
                """
                before = h.pread(4 << 20, 0)
                assert h.is_read_only()
                fails(errno.EPERM, lambda: h.pwrite(b"x" * 512, 0))
                fails(errno.EPERM, lambda: h.pwrite(b"x" * (1 << 20), 0, flags=nbd.CMD_FLAG_FUA))
                fails(errno.EPERM, lambda: h.zero(512, 0))
                fails(errno.EPERM, lambda: h.trim(65536, 0))
                h.flush()
                h.cache(65536, 0)
                assert h.pread(4 << 20, 0) == before
                """,
                served.uri("fixed"));
    }

    // ---- status

    @Test
    void severalContextsAnswerOneRequest() {
        served.add("bits", Images.bitmaps(folder), OpenRequest.READ.withWritable(true));
        Python.runAlone(
                """
                names = ["qemu:dirty-bitmap:fine", "base:allocation", "qemu:allocation-depth",
                         "qemu:dirty-bitmap:coarse"]
                h = connect(uri, contexts=names + ["qemu:dirty-bitmap:none", "other:thing"])
                assert all(h.can_meta_context(name) for name in names)
                assert not h.can_meta_context("qemu:dirty-bitmap:none")
                found = extents(h, 4 << 20, 0)
                assert set(found) == set(names), found
                assert all(sum(n for n, _ in pairs) == 4 << 20 for pairs in found.values())
                assert found["qemu:dirty-bitmap:fine"][0] == (512, 1), found
                assert found["qemu:dirty-bitmap:coarse"][0] == (131072, 1), found
                h.shutdown()
                """,
                served.uri("bits"));
    }

    @Test
    void oneExtentIsAllThatReqOneGets() {
        run("h.pwrite(b'x' * 65536, 65536)");
        runAlone(
                """
                h = connect(uri, contexts=["base:allocation", "qemu:allocation-depth"])
                one = nbd.CMD_FLAG_REQ_ONE
                found = extents(h, 1 << 20, 0, one)
                assert found == {"base:allocation": [(65536, 3)],
                                 "qemu:allocation-depth": [(65536, 0)]}, found
                found = extents(h, 1000, 65537, one)
                assert found == {"base:allocation": [(1000, 0)],
                                 "qemu:allocation-depth": [(1000, 1)]}, found
                found = extents(h, h.get_size(), 0)["base:allocation"]
                assert found == [(65536, 3), (65536, 0), (h.get_size() - 131072, 3)], found
                h.shutdown()
                """);
    }

    @Test
    void statusOfNothingAndPastTheEndAndWithoutContextIsInvalid() {
        runAlone(
                """
                h = connect(uri, contexts=["base:allocation"])
                end = h.get_size()
                fails(errno.EINVAL, lambda: extents(h, 0, 0))
                fails(errno.EINVAL, lambda: extents(h, 2, end - 1))
                fails(errno.EINVAL, lambda: extents(h, 1, end))
                assert extents(h, 1, end - 1) == {"base:allocation": [(1, 3)]}
                bare = connect(uri)
                fails(errno.EINVAL, lambda: extents(bare, 512, 0))
                assert bare.pread(1, 0) == bytes(1)
                h.shutdown()
                """);
    }

    // ---- options

    @Test
    void optionsTellOfExportsWithoutUsingThem() {
        served.add("other", Images.bitmaps(folder), OpenRequest.READ.withWritable(true));
        runAlone(
                """
                h = nbd.NBD()
                h.set_opt_mode(True)
                h.set_full_info(True)
                h.connect_uri(uri)
                names = []
                h.opt_list(lambda name, description: names.append(name) or 0)
                assert names == ["", "other"], names
                h.set_export_name("other")
                h.opt_info()
                assert h.get_size() == 4 << 20
                assert h.get_canonical_export_name() == "other"
                assert h.get_block_size(nbd.SIZE_MAXIMUM) == 32 << 20
                h.set_export_name("nothing")
                fails(errno.ENOENT, h.opt_info)
                def listed(*queries):
                    found = []
                    h.clear_meta_contexts()
                    for query in queries:
                        h.add_meta_context(query)
                    h.opt_list_meta_context(lambda name: found.append(name) or 0)
                    return sorted(found)
                h.set_export_name("other")
                everything = listed()
                assert everything == ["base:allocation", "qemu:allocation-depth",
                                      "qemu:dirty-bitmap:coarse", "qemu:dirty-bitmap:fine",
                                      "qemu:dirty-bitmap:off"], everything
                assert listed("base:") == ["base:allocation"]
                assert listed("qemu:") == everything[1:]
                assert listed("qemu:dirty-bitmap:") == everything[2:]
                assert listed("qemu:dirty-bitmap:fine", "x:") == ["qemu:dirty-bitmap:fine"]
                assert listed("nothing:") == []
                h.set_export_name("")
                h.opt_go()
                assert h.get_size() == 64 << 20
                h.pwrite(b"x", 0)
                h.shutdown()
                """);
    }

    @Test
    void aWrongNameCanBeFollowedByARightOne() {
        runAlone(
                """
                h = nbd.NBD()
                h.set_opt_mode(True)
                h.connect_uri(uri)
                for name in ["nothing", "x" * 4096, "\\u00e4" * 2048]:
                    h.set_export_name(name)
                    fails(errno.ENOENT, h.opt_go)
                h.set_export_name("")
                h.opt_go()
                assert h.pread(1, 0) == bytes(1)
                h.shutdown()
                """);
    }

    @Test
    void aClientMayLeaveAtAnyMoment() {
        runAlone(
                """
                for at in range(20):
                    h = nbd.NBD()
                    h.set_opt_mode(at % 2 == 0)
                    h.connect_uri(uri)
                    if at % 4 == 0:
                        h.opt_abort()
                        continue
                    if at % 2 == 0:
                        continue
                    for i in range(at):
                        h.aio_pwrite(bytes(100000), i * 100000)
                        h.aio_pread(nbd.Buffer(1 << 20), i << 20)
                    del h
                assert connect(uri).pread(1, 0) == bytes(1)
                """);
    }

    // ---- several at a time

    @ParameterizedTest
    @ValueSource(ints = {64, 300})
    void manyRequestsInFlightEachGetTheirOwnAnswer(int depth) {
        run(
                """
                rng = random.Random(int(args[0]))
                size, block = 16 << 20, 1 << 14
                model = bytearray(size)
                pending, busy, left = {}, set(), 3000
                def start():
                    at = rng.randrange(size // block)
                    if at in busy:
                        return
                    kind = rng.choice("rwwzf")
                    count = rng.choice([512, 4096, block])
                    at_byte = at * block
                    if kind == "r":
                        buffer = nbd.Buffer(count)
                        cookie = h.aio_pread(buffer, at_byte)
                        expected = bytes(model[at_byte : at_byte + count])
                        pending[cookie] = (at, lambda: bytes(buffer.to_bytearray()) == expected)
                    elif kind == "w":
                        data = rng.randbytes(count)
                        flags = nbd.CMD_FLAG_FUA if rng.randrange(16) == 0 else 0
                        cookie = h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(data)), at_byte,
                                              flags=flags)
                        model[at_byte : at_byte + count] = data
                        pending[cookie] = (at, lambda: True)
                    elif kind == "z":
                        cookie = h.aio_zero(count, at_byte)
                        model[at_byte : at_byte + count] = bytes(count)
                        pending[cookie] = (at, lambda: True)
                    else:
                        cookie = h.aio_flush()
                        at = -cookie
                        pending[cookie] = (at, lambda: True)
                    busy.add(at)
                while left or pending:
                    while left and len(pending) < int(args[0]):
                        start()
                        left -= 1
                    if pending:
                        h.poll(-1)
                    for cookie in list(pending):
                        if h.aio_command_completed(cookie):
                            at, judge = pending.pop(cookie)
                            busy.discard(at)
                            assert judge(), at
                assert h.pread(size, 0) == model
                """,
                depth);
    }

    @Test
    void oneConnectionsFlushCoversWhatAnotherHasWritten() throws IOException {
        runAlone(
                """
                one, two = connect(uri), connect(uri)
                assert one.can_multi_conn()
                one.pwrite(b"1" * 1000, 700000)
                assert two.pread(1000, 700000) == b"1" * 1000
                two.pwrite(b"2" * 1000, 3000000)
                one.zero(512, 700000)
                two.flush()
                """);
        // What a killed server would leave is what the file has now.
        Path now = folder.resolve("now.qcow2");
        Files.copy(image, now);
        qemuImg("check", "-r", "leaks", now);
        qemuIo(
                        now,
                        "qcow2",
                        "read -P 0 700000 512",
                        "read -P 0x31 700512 488",
                        "read -P 0x32 3000000 1000")
                .ok();
    }

    @Test
    void fourConnectionsShareOneDisk() {
        runAlone(
                """
                handles = [connect(uri) for _ in range(4)]
                block = 4096
                for round in range(60):
                    cookies = []
                    for i, h in enumerate(handles):
                        for j in range(8):
                            data = bytes([i * 60 + j + round % 50]) * block
                            at = ((j * 4 + i) * 3 + round) % 500 * 4 + i
                            buffer = nbd.Buffer.from_bytearray(bytearray(data))
                            cookies.append((h, h.aio_pwrite(buffer, at * block), at, data))
                    for h, cookie, _, _ in cookies:
                        while not h.aio_command_completed(cookie):
                            h.poll(-1)
                    last = {at: data for _, _, at, data in cookies}
                    for at, data in last.items():
                        assert handles[round % 4].pread(block, at * block) == data, (round, at)
                """);
    }

    @Test
    void requestsOfManySizesComeBackAsTheyWere() {
        long seed = new Random().nextLong() >>> 1;
        run(
                """
                rng = random.Random(int(args[0]))
                model = bytearray(h.pread(8 << 20, 0))
                for i in range(400):
                    count = rng.choice([rng.randrange(1, 600), rng.randrange(1, 70000),
                                        rng.randrange(1, 1 << 20)])
                    at = rng.randrange(len(model) - count)
                    kind = rng.choice("rwwz")
                    if kind == "w":
                        data = rng.randbytes(count)
                        h.pwrite(data, at)
                        model[at : at + count] = data
                    elif kind == "z":
                        h.zero(count, at, flags=rng.choice([0, nbd.CMD_FLAG_NO_HOLE]))
                        model[at : at + count] = bytes(count)
                    else:
                        assert h.pread(count, at) == model[at : at + count], (i, args)
                assert h.pread(len(model), 0) == model, args
                """,
                seed);
    }
}
