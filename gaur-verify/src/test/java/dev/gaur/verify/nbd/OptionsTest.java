package dev.gaur.verify.nbd;

import dev.gaur.graph.OpenRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What clients ask before they use a disk, and about its ranges, by scripts that use libnbd. */
class OptionsTest extends WithScriptedDisk {
    OptionsTest(@TempDir Path folder) {
        super(folder);
    }

    // ---- status

    @Test
    void severalContextsAnswerOneRequest() {
        disk.add("bits", Images.bitmaps(folder), OpenRequest.READ.withWritable(true));
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
                disk.served().uri("bits"));
    }

    /** As from QEMU's server: who asks later sees what was written meanwhile. */
    @Test
    void aBitmapThatIsRecordedIsToldAsItIsNow() throws IOException {
        Path bits = Images.bitmaps(folder);
        Path copy = Files.copy(bits, folder.resolve("copy"));
        disk.add("bits", bits, OpenRequest.READ.withWritable(true));
        Python.runAlone(
                """
                names = ["qemu:dirty-bitmap:" + name for name in ("fine", "coarse", "off")]
                ours, qemus = connect(uri, contexts=names), nbd.NBD()
                for name in names:
                    qemus.add_meta_context(name)
                qemus.connect_systemd_socket_activation(
                    ["qemu-nbd", "-f", "qcow2", "-B", "fine", "-B", "coarse", "-B", "off", args[0]])
                told = []
                def compare():
                    both = [extents(h, 4 << 20, 0) for h in (ours, qemus)]
                    assert both[0] == both[1], both
                    told.append(both[0])
                compare()
                for at, count in [(3 << 20, 1000), (100, 1), (1 << 20, 512), (2 << 20, 300000)]:
                    for h in (ours, qemus):
                        h.pwrite(b"x" * count, at)
                    compare()
                for h in (ours, qemus):
                    h.zero(65536, (3 << 20) + 65536)
                compare()
                for name in names:
                    assert (told[0][name] == told[-1][name]) == name.endswith("off"), told
                other = connect(uri, contexts=names)
                assert extents(other, 4 << 20, 0) == told[-1]
                """,
                disk.served().uri("bits"),
                copy);
    }

    @Test
    void oneExtentIsAllThatReqOneGets() {
        disk.run("h.pwrite(b'x' * 65536, 65536)");
        disk.runAlone(
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
        disk.runAlone(
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
        disk.add("other", Images.bitmaps(folder), OpenRequest.READ.withWritable(true));
        disk.runAlone(
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
        disk.runAlone(
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
    @Timeout(60)
    void aClientMayLeaveAtAnyMoment() {
        disk.runAlone(
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
        while (disk.served().server().connections() > 0) {
            Thread.onSpinWait(); // The server sees the ends of connections soon, not at once.
        }
    }

    @Test
    void theOldestHandshakeLeadsToTheDisk() {
        disk.runAlone(
                """
                for flags in (0, nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE, nbd.HANDSHAKE_FLAG_NO_ZEROES):
                    h = connect(uri, prepare=lambda h: h.set_handshake_flags(flags))
                    assert h.get_size() == 64 << 20
                    h.pwrite(b"old" * 1000, 1000)
                    assert h.pread(3000, 1000) == b"old" * 1000
                    fails(errno.EINVAL, lambda: h.pread(1, 64 << 20))
                    h.zero(3000, 1000)
                    h.shutdown()
                """);
    }
}
