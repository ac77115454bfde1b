package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Under qemu-img's name, what goes wrong is told in qemu-img's words, with its exit code. */
class ErrorOracleTest {
    @TempDir static Path folder;

    @BeforeAll
    static void makeImages() throws IOException {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "plain", "1M").ok();
        Specimen plain = Specimen.read(folder.resolve("plain"));
        plain.copy().put(HeaderField.VERSION, 4).write(folder.resolve("v4"));
        plain.copy().put(HeaderField.INCOMPATIBLE, 1L << 40).write(folder.resolve("unknown"));
        plain.copy().put(HeaderField.CLUSTER_BITS, 30).write(folder.resolve("hugeclusters"));
        Files.createDirectory(folder.resolve("folder"));
        Files.write(folder.resolve("raw"), new byte[1000]);
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "base", "1M").ok();
        overlay("middle", "base");
        overlay("top", "middle");
        Files.delete(folder.resolve("base"));
        overlay("over-v4", "v4");
        overlay("over-over-v4", "over-v4");
        overlay("over-unknown", "unknown");
        Files.writeString(folder.resolve("text"), "x".repeat(1000));
        overlay("over-text", "text");
        overlay("over-folder", "folder");
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "loop", "1M").ok();
        overlay("loop2", "loop");
        Peers.qemuImgIn(folder, "rebase", "-u", "-F", "qcow2", "-b", "loop2", "loop").ok();
    }

    private static void overlay(String name, String base) {
        Object[] command = {
            "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", base, name, "1M"
        };
        Peers.qemuImgIn(folder, command).ok();
    }

    /** A name with a {@code /} is a file in the folder; qemu-img runs there and leaves it out. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "foo",
                "--foo",
                "-x info",
                "-T",
                "--trace nope info /missing",
                "info",
                "info --bogus /plain",
                "info -Z /plain",
                "info -ZU /plain",
                "info /plain -UZU",
                "info -f raw -ZU",
                "info --backing=3 /plain",
                "info --o json /plain",
                "info --output",
                "info --ou",
                "info -f",
                "info --output=xml /plain",
                "info --output= /plain",
                "info /plain /raw",
                "info /missing",
                "info -- -f",
                "info /folder",
                "info -f raw /folder",
                "info -f qcow2 /raw",
                "info -f nope /raw",
                "info nosuch:thing",
                "info /v4",
                "info /unknown",
                "info --backing-chain /top",
                "info --backing-chain --output=json /top",
                "info --backing-chain /loop",
                "map",
                "map /missing",
                "map /folder",
                "map /raw /raw",
                "map -f qcow2 /raw",
                "map --output=x /raw",
                "map -s 1x /raw",
                "map -s -1 /raw",
                "map -s 1.5 /raw",
                "map -s 9E /raw",
                "map -l 99999999999999999999 /raw",
                "map -l",
                "map --start-offset=8G /plain",
                "map -s 8G --output=json /plain",
                "map -l 0 --output=json /plain",
                "map /v4",
                "map /top",
                "map /over-v4",
                "map /over-over-v4",
                "map /over-unknown",
                "map /over-text",
                "map /over-folder",
                "convert -O raw /over-over-v4 /new",
                "amend -f foo -o help",
                "map --image-opts /plain",
                "info --image-opts /plain,driver=qcow2",
                "info --image-opts -f qcow2 driver=qcow2",
                "create -f qcow2 foo:bar 1M",
                "create -f raw json:{} 1M",
                "create -f qcow2 -b foo:bar -F qcow2 /new",
                "convert -O qcow2 /plain foo:bar",
                "convert -O raw /plain json:{}",
                "convert -n -O raw /plain foo:bar",
                "convert -O raw foo:bar json:x",
                "dd if=foo:bar of=json:x"
            })
    void toldAlike(String line) {
        List<Object> theirs = new ArrayList<>();
        List<Object> ours = new ArrayList<>();
        for (String word : line.isEmpty() ? new String[0] : line.split(" ")) {
            boolean file = word.startsWith("/");
            theirs.add(file ? word.substring(1) : word);
            ours.add(file ? folder + word : word);
        }
        Peers.Result expected = Peers.qemuImgIn(folder, theirs.toArray());
        Peers.Result actual = Cli.asQemuImg(ours.toArray());

        assertEquals(all(expected), all(actual).replace(folder + "/", ""));
    }

    private static String all(Peers.Result result) {
        return result.out() + result.err() + result.status();
    }

    @Test
    void nothingIsNoName() {
        for (List<String> line :
                List.of(
                        List.of("info", ""),
                        List.of("map", "--image-opts", ""),
                        List.of("create", "-q", "-f", "raw", "", "1M"),
                        List.of("convert", "-f", "raw", "-O", "raw", "raw", ""))) {
            Peers.Result expected = Peers.qemuImgIn(folder, line.toArray());
            assertEquals(all(expected), all(Cli.asQemuImg(inFolder(line))), line.toString());
        }
    }

    /** The same with the source of a conversion in the folder. */
    private static Object[] inFolder(List<String> line) {
        List<Object> words = new ArrayList<>(line);
        if (line.getFirst().equals("convert")) {
            words.set(words.size() - 2, folder.resolve("raw"));
        }
        return words.toArray();
    }

    @Test
    void aTargetThatIsItsOwnSourceIsBusy() {
        for (String line : List.of("convert -O qcow2 @ @", "convert -O raw @ @", "dd if=@ of=@")) {
            String file = folder.resolve("plain").toString();
            Object[] words = line.replace("@", file).split(" ");
            Peers.Result expected = Peers.qemuImg(words);
            Peers.Result actual = Cli.asQemuImg(words);
            assertEquals(all(expected), all(actual).replaceAll("\\? (This|Process).*", "?"), line);
        }
    }

    @Test
    void aDirectoryIsNoImageUnderOurNameEither() {
        Peers.Result result = Cli.gaur("info", folder.resolve("folder"));

        assertEquals(1, result.status());
        assertEquals(
                "gaur: Could not open 'F': 'file' driver requires 'F' to be a regular file\n",
                result.err().replace(folder.resolve("folder").toString(), "F"));
    }

    @Test
    void anImageThatSomebodyWritesIsBusyUnlessShared() throws Exception {
        Path image = folder.resolve("plain");
        Process writer =
                new ProcessBuilder("qemu-io", "-f", "qcow2", image.toString())
                        .redirectErrorStream(true)
                        .start();
        try {
            byte[] prompt = writer.getInputStream().readNBytes("qemu-io> ".length());
            assertEquals("qemu-io> ", new String(prompt, StandardCharsets.UTF_8));
            Peers.Result expected = Peers.qemuImg("info", image);
            Peers.Result actual = Cli.asQemuImg("info", image);

            // Ours also names the process.
            assertEquals(expected.err(), actual.err().replaceAll(" Process \\d+ .*", ""));
            assertEquals(1, actual.status());
            assertEquals(
                    Peers.qemuImg("info", "-U", image).ok().out(),
                    Cli.asQemuImg("info", "-U", image).ok().out());
        } finally {
            writer.destroyForcibly().waitFor();
        }
    }
}
