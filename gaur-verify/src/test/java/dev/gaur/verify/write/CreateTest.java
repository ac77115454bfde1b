package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** New images are those that qemu-img makes; preallocated ones it finds in order. */
class CreateTest {
    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "size=1G",
                "size=1",
                "size=0",
                "size=1000000",
                "size=1T",
                "compat=0.10,size=5G",
                "compat=v3,size=5G",
                "cluster_size=512,size=100M",
                "cluster_size=512,size=1G",
                "cluster_size=4k,size=1T",
                "cluster_size=2M,size=1P",
                "refcount_bits=1,size=3G",
                "refcount_bits=64,size=3G",
                "extended_l2=on,size=3G",
                "extended_l2=on,cluster_size=16k,size=3G",
                "compression_type=zstd,size=1G",
                "lazy_refcounts=on,size=10M",
                "backing_file=base,,1,backing_fmt=raw,size=1G",
                "data_file=data,size=10M"
            })
    void aPlainImageIsQemusByteForByte(String options) throws IOException {
        Path image = folder.resolve("image");
        String[] arguments = {"create", "-f", "qcow2", "-u", "-o", options, image.toString()};
        var theirs = Peers.qemuImg((Object[]) arguments).ok();
        byte[] expected = Files.readAllBytes(image);
        Files.delete(image);
        var ours = Cli.asQemuImg((Object[]) arguments).ok();
        assertEquals(theirs.out(), ours.out());
        assertArrayEquals(expected, Files.readAllBytes(image));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "size=10M,preallocation=metadata",
                "size=10G,preallocation=metadata",
                "size=20M,cluster_size=512,preallocation=metadata",
                "size=20M,cluster_size=512,refcount_bits=64,preallocation=metadata",
                "size=100M,preallocation=metadata,extended_l2=on",
                "size=10M,preallocation=falloc,compat=0.10",
                "size=10M,preallocation=full,refcount_bits=1",
                "size=10M,data_file=data,data_file_raw=on",
                "size=10M,data_file=data,preallocation=falloc",
                "size=60G,cluster_size=512",
                "size=3G,cluster_size=512,refcount_bits=64"
            })
    void aPreallocatedOrOddImageIsInOrder(String options) {
        Path image = folder.resolve("image");
        Cli.asQemuImg("create", "-q", "-f", "qcow2", "-o", options, image).ok();
        Peers.qemuImg("check", image).ok();
        Path empty = folder.resolve("empty");
        String size = options.replaceAll(".*(size=\\d+[MG])(,.*|$)", "$1");
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", size, empty).ok();
        Peers.qemuImg("compare", image, empty).ok();
    }

    @Test
    void aDiskOfATebibyteIsMappedInOneGo() {
        Path image = folder.resolve("image");
        Cli.asQemuImg("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", image, "1T")
                .ok();
        Peers.qemuImg("check", image).ok();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-f qcow2 IMAGE",
                "-f qcow2 IMAGE 1x",
                "-f qcow2 IMAGE 9E",
                "-f qcow2 IMAGE 100P",
                "-f qcow2 -o size=2G IMAGE 1G",
                "-f foo IMAGE 1G",
                "-f qcow2 -o foo=1 IMAGE 1G",
                "-f qcow2 -o cluster_size=1000 IMAGE 1G",
                "-f qcow2 -o compat=2 IMAGE 1G",
                "-f qcow2 -o compat=0.10,lazy_refcounts=on IMAGE 1G",
                "-f qcow2 -o compat=0.10,refcount_bits=8 IMAGE 1G",
                "-f qcow2 -o compat=0.10,extended_l2=on IMAGE 1G",
                "-f qcow2 -o compat=0.10,compression_type=zstd IMAGE 1G",
                "-f qcow2 -o compat=0.10,data_file=d IMAGE 1G",
                "-f qcow2 -o compression_type=lz4 IMAGE 1G",
                "-f qcow2 -o preallocation=foo IMAGE 1G",
                "-f qcow2 -u -b none IMAGE 1M",
                "-f qcow2 -F raw IMAGE 1M",
                "-f qcow2 -u -b none -F raw -o preallocation=metadata IMAGE 1M",
                "-f raw -b none -F raw IMAGE 1M",
                "-f raw -o preallocation=metadata IMAGE 1M",
                "-f qcow2 -b IMAGE -F qcow2 IMAGE 1M"
            })
    void refusesInQemusWords(String arguments) {
        String image = folder.resolve("image").toString();
        Object[] command = ("create " + arguments.replace("IMAGE", image)).split(" ");
        var theirs = Peers.qemuImg(command).exited(1);
        var ours = Cli.asQemuImg(command).exited(1);
        assertEquals(theirs.out(), ours.out());
        assertEquals(firstLine(theirs.err()), firstLine(ours.err()));
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }

    @Test
    void theSizeOfAnOverlayIsThatOfItsBackingFile() {
        Path base = folder.resolve("base");
        Peers.qemuImg("create", "-q", "-f", "qcow2", base, "7M").ok();
        Path image = folder.resolve("image.qcow2");
        Cli.gaur("create", "-q", "-b", "base", "-F", "qcow2", image).ok();
        Peers.qemuImg("compare", image, base).ok();
    }
}
