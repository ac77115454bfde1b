package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.graph.OpenRequest;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every command that reads or changes, with every flag, by scripts that use libnbd. */
class CommandsTest extends WithScriptedDisk {
    CommandsTest(@TempDir Path folder) {
        super(folder);
    }

    // ---- reads and writes

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 511, 512, 4095, 4096, 65535, 65536, 1048575})
    void writesAndReadsAtAnyOffset(int offset) {
        disk.run(
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
        disk.run(
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
        disk.run(
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
        disk.runAlone(
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
        disk.run(
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
        disk.run(
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
        disk.run(
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
        disk.runAlone(
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
        disk.run(
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
        disk.run(
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
        disk.run(
                """
                h.pwrite(b"x" * 131072, 0)
                h.zero(65536, 0, flags=nbd.CMD_FLAG_NO_HOLE)
                h.zero(65536, 65536)
                h.flush()
                assert h.pread(131072, 0) == bytes(131072)
                """);
        String map = qemuImg("map", "-U", "--output=json", disk.image()).ok().out();
        assertEquals(2, map.lines().filter(line -> line.contains("\"present\": true")).count());
        assertEquals(1, map.lines().filter(line -> line.contains("\"offset\"")).count(), map);
    }

    @Test
    void zerosAndTrimsOfTheWholeDiskAreOneRequest() {
        disk.run(
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
        disk.run(
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
        disk.runAlone(
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
        disk.add("fixed", Images.qcow2(folder), OpenRequest.READ);
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
                disk.served().uri("fixed"));
    }
}
