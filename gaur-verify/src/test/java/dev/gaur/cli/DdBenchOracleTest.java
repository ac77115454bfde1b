package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code dd} and {@code bench} do and say what qemu-img's do. */
class DdBenchOracleTest {
    private static final StandardCopyOption REPLACE = StandardCopyOption.REPLACE_EXISTING;

    @TempDir static Path folder;

    @BeforeAll
    static void makeInput() throws IOException {
        byte[] content = new byte[1 << 20];
        new Random(20261126).nextBytes(content);
        Files.write(folder.resolve("input"), content);
    }

    /** Files stand as {@code @name}: ours runs in another folder. */
    private static void compare(String line) {
        List<Object> theirs = new ArrayList<>();
        List<Object> ours = new ArrayList<>();
        for (String word : line.split(" ")) {
            theirs.add(word.replace("@", ""));
            ours.add(word.replace("@out", "@our").replace("@", folder + "/"));
        }
        Peers.Result expected = Peers.qemuImgIn(folder, theirs.toArray());
        Peers.Result actual = Cli.asQemuImg(ours.toArray());
        String said = all(actual).replace(folder + "/", "").replace("our", "out");
        assertEquals(all(expected).replace("our", "out"), said, line);
    }

    private static String all(Peers.Result result) {
        String out = result.out().replaceAll("in \\d+\\.\\d{3} seconds", "in TIME");
        return out + result.err() + result.status();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "bs=64k count=4 skip=2",
                "bs=3 count=100",
                "bs=1000 skip=1000",
                "count=0",
                "bs=1k skip=5000",
                "bs=1k skip=1024",
                "bs=1k count=2000",
                "bs=100 count=1 skip=10485",
                "-U bs=1M",
                "-O qcow2 bs=64k",
                "-O qcow2 bs=1000 count=1",
                "-f raw -O qcow2 skip=3"
            })
    void ddCopiesTheSame(String options) throws IOException {
        Files.deleteIfExists(folder.resolve("out"));
        Files.deleteIfExists(folder.resolve("our"));
        compare(("dd " + options).strip() + " if=@input of=@out");

        boolean raw = !options.contains("qcow2");
        if (raw) {
            assertEquals(-1, Files.mismatch(folder.resolve("out"), folder.resolve("our")));
        }
        String format = raw ? "raw" : "qcow2";
        Peers.qemuImgIn(folder, "compare", "-f", format, "-F", format, "out", "our").ok();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dd",
                "dd if=@input",
                "dd of=@out",
                "dd if=@input of=@out bs=0",
                "dd if=@input of=@out bs=x",
                "dd if=@input of=@out bs=-1",
                "dd if=@input of=@out bs=3G",
                "dd if=@input of=@out count=x",
                "dd if=@input of=@out count=9E",
                "dd if=@input of=@out skip=x",
                "dd if=@input of=@out foo=1",
                "dd if=@input of=@out foo",
                "dd if=@input of=/nonexist/o",
                "dd if=@input of=",
                "dd if= of=@out",
                "dd -f qcow2 if=@input of=@out",
                "dd -O foo if=@input of=@out",
                "dd -f foo if=@input of=@out",
                "dd -q if=@input of=@out",
                "dd --image-opts -f raw if=@input of=@out",
                "bench -f raw -c x @input",
                "bench -f raw -c -1 @input",
                "bench -f raw -c 0 @input",
                "bench -f raw -c 10 @input",
                "bench -c 10 @input",
                "bench -w -c 1 -o 4k @input",
                "bench -f raw -c 1000 -d 4 -s 8k -S 16k -o 4096 @input",
                "bench -f raw -c 10 --flush-interval 2 @input",
                "bench -f raw -c 10 -w --flush-interval 2 @input",
                "bench -d x @input",
                "bench -s x @input",
                "bench -f raw -s 3G @input",
                "bench -f raw -s 1M -c 2 @input",
                "bench -o x @input",
                "bench -S x @input",
                "bench -S 0 -f raw -c 3 @input",
                "bench --pattern=256 @input",
                "bench --pattern=x @input",
                "bench",
                "bench @input @input",
                "bench -t foo @input",
                "bench -i foo @input",
                "bench -i native -f raw -c 5 @input",
                "bench -n -f raw -c 5 @input",
                "bench -q -f raw -c 5 @input",
                "bench -U -f raw -c 5 @input",
                "bench -U -w -f raw -c 5 @input",
                "bench --flush-interval=x -w @input",
                "bench --image-opts driver=raw,file.filename=@input -c 3",
                "bench -Z"
            })
    void saysTheSame(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-c 10",
                "-c 10 -d 4 -s 8k -S 16k -o 4096 --pattern=65",
                "-c 10 -d 1 --flush-interval=2",
                "-c 100 -d 4 --flush-interval=10 --no-drain"
            })
    void benchWritesTheSame(String options) throws IOException {
        Files.copy(folder.resolve("input"), folder.resolve("out"), REPLACE);
        Files.copy(folder.resolve("input"), folder.resolve("our"), REPLACE);
        compare("bench -f raw -w " + options + " @out");
        assertEquals(-1, Files.mismatch(folder.resolve("out"), folder.resolve("our")));
    }
}
