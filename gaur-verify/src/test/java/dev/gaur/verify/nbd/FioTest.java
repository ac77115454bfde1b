package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;

import dev.gaur.storage.CacheMode;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * fio writes blocks of many sizes, 32 in flight, through four connections to one image, each in an
 * area of its own, and reads them back by their checksums. How much it does is given by bytes, not
 * by time.
 */
class FioTest {
    private static final int JOBS = 4;
    private static final int AREA = (ImageZoo.LONG ? 512 : 24) << 20;
    private static final long SIZE = (long) JOBS * AREA;

    @TempDir Path folder;

    private Path create(String options, Object... backing) {
        Path file = folder.resolve("disk.qcow2");
        List<Object> words = new ArrayList<>(List.of("create", "-q", "-f", "qcow2", "-o", options));
        words.addAll(Arrays.asList(backing));
        words.addAll(List.of(file, SIZE));
        qemuImg(words.toArray()).ok();
        return file;
    }

    private static void fio(String uri, String... more) {
        List<Object> words =
                new ArrayList<>(
                        List.of(
                                "--name=verify",
                                "--ioengine=nbd",
                                "--uri=" + uri,
                                "--numjobs=" + JOBS,
                                "--size=" + AREA,
                                "--offset_increment=" + AREA,
                                "--randseed=" + ImageZoo.SEED,
                                "--verify=crc32c",
                                "--verify_fatal=1",
                                "--verify_state_save=0",
                                "--group_reporting",
                                "--output-format=terse"));
        words.addAll(Arrays.asList(more));
        Peers.run("fio", words.toArray()).ok();
    }

    private static void writeAndVerify(Path image) {
        writeAndVerify(image, CacheMode.WRITEBACK);
    }

    private static void writeAndVerify(Path image, CacheMode cache) {
        try (Served served = Served.write(image, "qcow2", cache)) {
            verify(served);
        }
        qemuImg("check", image).ok();
    }

    private static void verify(Served served) {
        fio(served.uri(), "--rw=randwrite", "--bsrange=4k-1M", "--iodepth=32", "--fsync=100");
        fio(served.uri(), "--rw=randrw", "--bsrange=4k-128k", "--iodepth=32", "--io_size=8M");
        fio(served.uri(), "--rw=write", "--bs=512", "--iodepth=8", "--io_size=1M");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cluster_size=64k",
                "extended_l2=on",
                "cluster_size=2M",
                "cluster_size=4k",
                "preallocation=metadata",
                "lazy_refcounts=on"
            })
    void checksumsHoldOnEveryLayout(String options) {
        writeAndVerify(create(options));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cluster_size=64k", "extended_l2=on"})
    void checksumsHoldOverABackingFile(String options) {
        Path base = folder.resolve("base.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", base, SIZE).ok();
        qemuIo(base, "qcow2", "write -P 0xee 0 " + SIZE / 2).ok();
        writeAndVerify(create(options, "-b", base, "-F", "qcow2"));
    }

    /** Where writes in place are begun, others write out, and parts of blocks come between. */
    @ParameterizedTest
    @ValueSource(strings = {"cluster_size=64k", "extended_l2=on", "lazy_refcounts=on"})
    void checksumsHoldPastThePageCache(String options) {
        Path base = folder.resolve("base.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", base, SIZE).ok();
        qemuIo(base, "qcow2", "write -P 0xee 0 " + SIZE / 2).ok();
        writeAndVerify(create(options, "-b", base, "-F", "qcow2"), CacheMode.NONE);
    }

    @Test
    void checksumsHoldPastThePageCacheInARawImage() {
        Path raw = folder.resolve("disk.raw");
        qemuImg("create", "-q", "-f", "raw", "-o", "preallocation=full", raw, SIZE).ok();
        try (Served served = Served.write(raw, "raw", CacheMode.NONE)) {
            verify(served);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cluster_size=64k", "extended_l2=on"})
    void checksumsHoldAfterASnapshotWhichKeepsItsContent(String options) {
        Path image = create(options);
        qemuIo(image, "qcow2", "write -P 0xee 0 " + SIZE / 2).ok();
        qemuImg("snapshot", "-c", "before", image).ok();
        writeAndVerify(image);
        qemuImg("snapshot", "-a", "before", image).ok();
        qemuIo(image, "qcow2", "read -P 0xee 0 " + SIZE / 2, "read -P 0 " + SIZE / 2 + " 4M").ok();
    }
}
