package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many requests at a time, through one connection and through several. */
class ManyRequestsTest extends WithScriptedDisk {
    ManyRequestsTest(@TempDir Path folder) {
        super(folder);
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 300})
    void manyRequestsInFlightEachGetTheirOwnAnswer(int depth) {
        disk.run(
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
        disk.runAlone(
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
        Files.copy(disk.image(), now);
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
        disk.runAlone(
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
        disk.run(
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
