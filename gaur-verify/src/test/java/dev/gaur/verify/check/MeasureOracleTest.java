package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Both programs measure the same: every byte of the output. */
class MeasureOracleTest {
    private static final List<String> OPTIONS =
            List.of(
                    "cluster_size=512",
                    "cluster_size=4k",
                    "cluster_size=64k",
                    "cluster_size=2M",
                    "refcount_bits=1",
                    "refcount_bits=64",
                    "cluster_size=512,refcount_bits=64",
                    "extended_l2=on",
                    "cluster_size=16k,extended_l2=on,refcount_bits=8",
                    "compat=0.10",
                    "preallocation=metadata",
                    "preallocation=falloc",
                    "preallocation=full",
                    "lazy_refcounts=on",
                    "data_file=x",
                    "backing_file=x,backing_fmt=raw",
                    "backing_file=x,backing_fmt=raw,preallocation=full");

    @TempDir private Path folder;

    private static void assertSame(Object... arguments) {
        List<Object> command = new ArrayList<>(List.of("measure"));
        command.addAll(List.of(arguments));
        Peers.Result theirs = Peers.qemuImg(command.toArray());
        Peers.Result ours = Cli.asQemuImg(command.toArray());
        assertEquals(theirs.status(), ours.status(), () -> theirs + "\n" + ours);
        assertEquals(theirs.out(), ours.out(), ours::toString);
        assertEquals(theirs.err(), ours.err(), ours::toString);
    }

    @Test
    void sizesAreMeasuredAlike() {
        for (String options : OPTIONS) {
            for (String size : List.of("0", "1", "100000", "1G", "1T", "63T")) {
                assertSame("-O", "qcow2", "-o", options, "--size", size);
            }
        }
        assertSame("-O", "raw", "--size", "12345");
        assertSame("--output=json", "-O", "qcow2", "--size", "12345");
    }

    @Test
    void imagesAreMeasuredAlike() throws IOException {
        for (Path image : images()) {
            assertSame("-O", "raw", image);
            assertSame("-O", "qcow2", "--output=json", image);
            for (String options : OPTIONS) {
                assertSame("-O", "qcow2", "-o", options, image);
            }
        }
    }

    private List<Path> images() throws IOException {
        Path plain = folder.resolve("plain.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", plain, "20M").ok();
        Peers.qemuIo(plain, "qcow2", "write 100k 1M", "write -z 3M 1M", "write -c 5M 128k").ok();
        Path small = folder.resolve("small.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", "cluster_size=512", small, "1M").ok();
        Peers.qemuIo(small, "qcow2", "write 5k 1k", "write 100k 3k", "write 300k 64k").ok();
        Path overlay = folder.resolve("overlay.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-b", plain, "-F", "qcow2", overlay).ok();
        Peers.qemuIo(overlay, "qcow2", "write 9M 1M", "write -z 100k 64k").ok();
        Path marked = folder.resolve("marked.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", marked, "30M").ok();
        Peers.qemuImg("bitmap", "--add", marked, "b0").ok();
        Peers.qemuImg("bitmap", "--add", "-g", "512", marked, "a longer name").ok();
        Path prepared = folder.resolve("prepared.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", prepared, "8M")
                .ok();
        Path raw = Files.write(folder.resolve("raw.img"), new byte[300_000]);
        return List.of(plain, small, overlay, marked, prepared, raw);
    }

    @Test
    void snapshotsAreMeasuredAlike() throws IOException {
        Path image = images().getFirst();
        Peers.qemuImg("snapshot", "-c", "before", image).ok();
        Peers.qemuIo(image, "qcow2", "write 10M 5M").ok();
        for (String name : List.of("before", "1", "snapshot.name=before", "snapshot.id=1")) {
            assertSame("-O", "qcow2", "-l", name, image);
        }
    }

    @Test
    void callsThatCannotSucceedEndAlike() throws IOException {
        Path image = images().getFirst();
        assertSame();
        assertSame(image, image);
        assertSame("--size", "1G", image);
        assertSame("--size", "xx");
        assertSame("-f", "qcow2", "--size", "1G");
        assertSame("-O", "foo", image);
        assertSame("-O", "qcow2", "-o", "bad=1", "--size", "1G");
        assertSame("-O", "qcow2", "-o", "cluster_size=1", "--size", "1G");
        assertSame("-O", "qcow2", "-o", "refcount_bits=3", "--size", "1G");
        assertSame("-O", "qcow2", "-o", "compat=0.10,refcount_bits=8", "--size", "1G");
        assertSame("-O", "qcow2", "-o", "extended_l2=on,cluster_size=4k", "--size", "1G");
        assertSame("-O", "qcow2", "-o", "cluster_size=512", "--size", "7E");
        assertSame("-O", "qcow2", folder.resolve("nowhere"));
        assertSame("-O", "qcow2", "-l", "nope", image);
    }
}
