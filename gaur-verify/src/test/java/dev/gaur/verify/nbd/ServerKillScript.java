package dev.gaur.verify.nbd;

/** The client of {@link ServerKillTest}: works, kills the server, and judges what it left. */
final class ServerKillScript {
    /**
     * Each write has a number, which its sectors contain beside their own. What is safe: changes
     * that were answered before a flush began that was answered, and those with FUA. A sector may
     * have any change that was not answered before a safe one of it began; what it had in the
     * beginning only if it has no safe one. A trim may have zeroed it or left it.
     */
    static final String TEXT =
            """
            import signal, struct
            SECTOR, DEPTH = 512, 24
            seed, server, enough, links, how = map(int, args)
            rng = random.Random(seed)
            handles = [connect(uri) for _ in range(links)]
            size = handles[0].get_size()
            sectors = size // SECTOR
            initial = b"".join(handles[0].pread(1 << 20, at) for at in range(0, size, 1 << 20))

            class Change:
                def __init__(self, number, first, count, lasting, fua):
                    self.number, self.first, self.count = number, first, count
                    self.lasting, self.fua = lasting, fua
                    self.begun, self.ended = None, None

            def content(number, sector):
                return struct.pack(">QQ", number, sector) * 32 if number else bytes(SECTOR)

            changes, flushes, clock, acknowledged = [], [], 0, 0

            def tick():
                global clock
                clock += 1
                return clock

            def issue(h):
                kind = rng.choice("wwwwwwwzzt") if rng.randrange(10) else "f"
                fua = rng.randrange(12) == 0
                flags = nbd.CMD_FLAG_FUA if fua else 0
                count = rng.choice([1, 1, 2, 8, 8, 16, 127, 128, 129, 600])
                first = rng.randrange(sectors - count)
                if rng.randrange(2):
                    first -= first % min(128, count)
                at, length = first * SECTOR, count * SECTOR
                if kind == "f":
                    change = Change(0, 0, 0, False, False)
                    flushes.append(change)
                    change.begun = tick()
                    return h, h.aio_flush(), change
                number = len(changes) + 1 if kind == "w" else 0
                change = Change(number, first, count, kind != "t", fua)
                changes.append(change)
                change.begun = tick()
                if kind == "w":
                    data = b"".join(content(number, first + i) for i in range(count))
                    buffer = nbd.Buffer.from_bytearray(bytearray(data))
                    return h, h.aio_pwrite(buffer, at, flags=flags), change
                if kind == "z":
                    return h, h.aio_zero(length, at, flags=flags), change
                return h, h.aio_trim(length, at, flags=flags), change

            def collect(pending, alive):
                left = []
                for h, cookie, change in pending:
                    try:
                        if h.aio_command_completed(cookie):
                            change.ended = tick()
                            continue
                    except nbd.Error:
                        assert not alive, "a request failed before the server was killed"
                        continue
                    left.append((h, cookie, change))
                return left

            pending = []
            while acknowledged < enough:
                for h in handles:
                    while sum(1 for p in pending if p[0] is h) < DEPTH:
                        pending.append(issue(h))
                # Each gets its turn; who has nothing to say is left after a moment.
                before = len(pending)
                while len(pending) == before:
                    for h in handles:
                        h.poll(0 if links > 1 else -1)
                    pending = collect(pending, True)
                acknowledged += before - len(pending)
            os.kill(server, how)
            say("killed")
            while pending:
                for h in handles:
                    try:
                        if not h.aio_is_dead() and not h.aio_is_closed():
                            h.poll(1)
                    except nbd.Error:
                        pass
                pending = collect(pending, False)

            if how == signal.SIGTERM: # Is as good as a flush of all that was answered.
                covered = tick()
            else:
                covered = max((f.begun for f in flushes if f.ended), default=0)
            by_sector = {}
            for change in changes:
                for sector in range(change.first, change.first + change.count):
                    by_sector.setdefault(sector, []).append(change)

            def judge(path):
                with open(path, "rb") as f:
                    disk = f.read()
                assert len(disk) == size
                for sector in range(sectors):
                    at = sector * SECTOR
                    found = disk[at : at + SECTOR]
                    here = by_sector.get(sector, [])
                    safe = [c for c in here if c.ended and c.lasting
                            and (c.fua or c.ended < covered)]
                    newest = max((c.begun for c in safe), default=0)
                    if not safe and found == initial[at : at + SECTOR]:
                        continue
                    allowed = [c for c in here if not c.ended or c.ended >= newest]
                    if any(found == content(c.number, sector) for c in allowed):
                        continue
                    number, of = struct.unpack(">QQ", found[:16])
                    story = [(c.number, c.begun, c.ended, c.fua, c.lasting) for c in here]
                    raise AssertionError(("seed", seed, "sector", sector, "has", number, of,
                                          "changes", story, "flushed", covered))

            say("flushed", covered)
            while path := hear():
                judge(path)
                say("fine")
            """;

    private ServerKillScript() {}
}
