package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares as qemu-img does: the same words, the same place, the same exit code. */
class CompareTest {
    @TempDir Path folder;

    private void same(Object... command) {
        var theirs = Peers.qemuImg(command);
        var ours = Cli.asQemuImg(command).exited(theirs.status());
        assertEquals(theirs.out(), ours.out());
        assertEquals(theirs.err().lines().findFirst(), ours.err().lines().findFirst());
    }

    @RepeatedTest(6)
    void findsTheSameSector(RepetitionInfo info) throws IOException {
        Random random = new Random(ImageZoo.SEED + info.getCurrentRepetition());
        Path one = Files.copy(ImageZoo.named("tree/raw").path(), folder.resolve("one"));
        Path other = folder.resolve("other");
        String compress = random.nextBoolean() ? "-c" : "-W";
        Peers.qemuImg("convert", compress, "-f", "raw", "-O", "qcow2", one, other).ok();
        same("compare", "-f", "raw", "-F", "qcow2", one, other);
        try (RandomAccessFile file = new RandomAccessFile(one.toFile(), "rw")) {
            for (int i = 0; i < 3; i++) {
                file.seek(random.nextLong(file.length()));
                file.write(1 + random.nextInt(255));
            }
        }
        same("compare", "-f", "raw", "-F", "qcow2", one, other);
        same("compare", "-f", "qcow2", "-F", "raw", other, one);
    }

    @Test
    void sizesAndAllocation() {
        Path small = folder.resolve("small");
        Path large = folder.resolve("large");
        Path mapped = folder.resolve("mapped");
        Path zeros = folder.resolve("zeros");
        Peers.qemuImg("create", "-q", "-f", "qcow2", small, "1M").ok();
        Peers.qemuImg("create", "-q", "-f", "qcow2", large, "3M").ok();
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", mapped, "1M")
                .ok();
        Peers.qemuImg("create", "-q", "-f", "qcow2", zeros, "1M").ok();
        Peers.qemuIo(zeros, "qcow2", "write -z 0 1M").ok();
        same("compare", small, large);
        same("compare", "-s", small, large);
        same("compare", "-s", small, mapped);
        same("compare", "-s", small, zeros);
        same("compare", "-s", mapped, zeros);
        same("compare", "-s", small, small);
        Peers.qemuIo(large, "qcow2", "write -P 1 2500k 1k").ok();
        same("compare", small, large);
        same("compare", large, small);
        same("compare", "-q", large, small);
    }

    @Test
    void whatCannotBeOpenedHasItsOwnExitCode() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "no image");
        same("compare", text, folder.resolve("none"));
        same("compare", folder.resolve("none"), text);
        Cli.asQemuImg("compare", "-f", "qcow2", text, text).exited(2);
        same("compare", text);
    }
}
