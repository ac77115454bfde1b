package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What {@code info --advice} counts is what {@code qemu-img check} counts, of images that QEMU
 * made; and it changes no byte.
 */
class AdviceOracleTest {
    @TempDir Path folder;

    static Stream<Exhibit> zoo() {
        return ImageZoo.all().stream();
    }

    @ParameterizedTest
    @MethodSource("zoo")
    void countsWhatQemuCounts(Exhibit exhibit) {
        String advice = Cli.gaur("info", "--advice", "--output=json", exhibit.path()).ok().out();
        String human = Cli.gaur("info", "--advice", exhibit.path()).ok().out();
        assertTrue(human.startsWith("image: ") && human.contains("\nadvice:"), human);
        boolean hasDisk = number(advice, "virtual-size") > 0;
        if (!exhibit.format().equals("qcow2") || !exhibit.clean() || !hasDisk) {
            return;
        }
        Peers.Result check =
                Peers.qemuImgIn(exhibit.folder(), "check", "--output=json", exhibit.path());
        long allocated = number(check.out(), "allocated-clusters");
        long compressed = number(check.out(), "compressed-clusters");
        long own = number(advice, "own");
        long shared = number(advice, "shared");
        assertEquals(compressed, number(advice, "compressed"), advice);
        assertEquals(0, number(advice, "broken"), advice);
        boolean hasDataFile = Files.exists(Path.of(exhibit.path() + ".data"));
        if (!hasDataFile) {
            assertEquals(allocated, own + shared + compressed, advice);
        }
        long data = number(advice, "data-clusters");
        if (compressed == 0 && data == own + shared && data > 0 && !hasDataFile) {
            // QEMU begins anew with each table.
            long jumps = number(advice, "pieces") - 1;
            long between = number(advice, "table-bytes") / number(advice, "cluster-size") - 1;
            long fragmented = number(check.out(), "fragmented-clusters");
            assertTrue(fragmented <= jumps && fragmented >= jumps - between, advice);
        }
    }

    /** The first number with a name; QEMU leaves out zeros. */
    private static long number(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\": (\\d+)").matcher(json);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
    }

    private Path create(Object... options) {
        Object[] all = new Object[options.length + 4];
        System.arraycopy(new Object[] {"create", "-q", "-f", "qcow2"}, 0, all, 0, 4);
        System.arraycopy(options, 0, all, 4, options.length);
        Peers.qemuImgIn(folder, all).ok();
        return folder.resolve("image");
    }

    private String advice(Path image) {
        return Cli.gaur("info", "--advice", image).ok().out();
    }

    @Test
    void theWholeChainIsLookedAt() throws IOException {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "raw", "base", "64M").ok();
        Path image = create("-b", "base", "-F", "raw", "image");
        Peers.qemuIo(image, "qcow2", "write 0 1M").ok();
        Peers.qemuImg("snapshot", "-c", "s", image).ok();
        Peers.qemuIo(image, "qcow2", "write 0 64k").ok();
        byte[] before = Files.readAllBytes(image);
        String text = advice(image);
        assertTrue(text.contains("backing file: " + folder.resolve("base")), text);
        assertTrue(text.contains("1.5 % copy what snapshots have"), text);
        assertTrue(text.contains("98.4 % copy from the backing file"), text);
        assertTrue(text.contains("gaur convert -O qcow2 -B base -F raw"), text);
        Files.delete(folder.resolve("base"));
        String broken = advice(image);
        assertTrue(broken.contains("The chain is not complete"), broken);
        assertTrue(broken.contains("98.4 % copy from the backing file"), broken);
        assertEquals(-1, Files.mismatch(image, Files.write(folder.resolve("old"), before)));
    }

    @Test
    void theCommandsThatAreGivenWork() throws IOException {
        Path image = create("-o", "compat=0.10,cluster_size=4k", "image", "8G");
        StringBuilder script = new StringBuilder();
        for (int i = 0; i < 1200; i++) {
            script.append("write ").append((i * 7919L % 1200) * 4).append("k 4k\n");
        }
        Peers.runWith(script.toString(), folder, "qemu-io", "-f", "qcow2", image).ok();
        String text = advice(image);
        assertTrue(text.contains("pieces of 4 KiB on average"), text);
        Matcher commands = Pattern.compile("\n     gaur (.*)").matcher(text);
        int count = 0;
        while (commands.find()) {
            Path copy = folder.resolve("new" + count++);
            String beside = folder.resolve("NEW").toString();
            String command = commands.group(1).replace(beside, copy.toString());
            Cli.gaur((Object[]) command.split(" ")).ok();
            Path result = Files.exists(copy) ? copy : image;
            Peers.qemuImg("check", result).ok();
            assertFalse(advice(result).contains("gaur " + commands.group(1)), command);
        }
        assertEquals(3, count, text);
    }

    /** Does what a piece of advice says: it works, keeps the disk, and ends the advice. */
    private void follow(Path image, String words) throws IOException {
        Matcher matcher =
                Pattern.compile("[^\n]*" + Pattern.quote(words) + "[^\n]*\n     gaur (.*)")
                        .matcher(advice(image));
        assertTrue(matcher.find(), words + " in " + advice(image));
        String[] command = matcher.group(1).split(" ");
        if (command[0].equals("serve")) {
            Cli.gaur("info", "--image-opts", command[2].replace("'", "")).ok();
            return;
        }
        Path copy = folder.resolve("NEW");
        Files.deleteIfExists(copy);
        Cli.gaur((Object[]) command).ok();
        Path result = Files.exists(copy) ? copy : image;
        Peers.qemuImg("check", result).ok();
        Peers.qemuImg("compare", image, result).ok();
        assertFalse(advice(result).contains(words), matcher.group());
    }

    @Test
    void theCuresOfFirstWritesWork() throws IOException {
        Path thin = create("-o", "cluster_size=2M,lazy_refcounts=on", "image", "64M");
        Peers.qemuIo(thin, "qcow2", "write -P 1 0 16M").ok();
        follow(thin, "has no place in the file yet");
        assertTrue(Cli.gaur("info", "NEW").status() != 0, "beside the image, not here");
        String kept = Cli.gaur("info", folder.resolve("NEW")).ok().out();
        assertTrue(kept.contains("cluster_size: 2097152"), kept);
        assertTrue(kept.contains("lazy refcounts: true"), kept);
        Peers.qemuImg("snapshot", "-c", "name", thin).ok();
        follow(thin, "for the rest of their cluster");
        follow(thin, "belongs to internal snapshots");
        Peers.qemuImg("amend", "-o", "lazy_refcounts=off", thin).ok();
        Peers.qemuImg("snapshot", "-c", "name", thin).ok();
        follow(thin, "with lazy refcounts");
    }

    @Test
    void theCuresOfDeepChainsWork() throws IOException {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "raw", "base", "64M").ok();
        Peers.qemuIo(folder.resolve("base"), "raw", "write -P 1 0 64M").ok();
        String below = "base";
        for (int i = 0; i < 5; i++) {
            String format = i == 0 ? "raw" : "qcow2";
            String name = i == 4 ? "image" : "layer" + i;
            create("-b", below, "-F", format, name);
            String write = "write -P 2 " + i + "M 64k";
            Peers.qemuIo(folder.resolve(name), "qcow2", write).ok();
            below = name;
        }
        Path image = folder.resolve("image");
        follow(image, "lies in the backing file");
        follow(image, "is looked for in 6 images");
    }

    @Test
    void theCuresOfCompressionWork() throws IOException {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "raw", "base", "16M").ok();
        Peers.qemuIo(folder.resolve("base"), "raw", "write -P 1 0 16M").ok();
        Path image = folder.resolve("image");
        Peers.qemuImgIn(folder, "convert", "-c", "-f", "raw", "-O", "qcow2", "base", "image").ok();
        follow(image, "each read inflates");
        follow(image, "has to stay compressed");
    }

    @Test
    void whatACrashCostsIsSaid() {
        Path image = create("image", "64M");
        assertTrue(advice(image).contains("after a crash: nothing waits"));
        Cli.gaur("amend", "-o", "lazy_refcounts=on", image).ok();
        assertTrue(advice(image).contains("after a crash: who writes next repairs"));
        Cli.gaur("amend", "-o", "journal=on", image).ok();
        assertTrue(advice(image).contains("after a crash: Gaur has all counts"));
        String json = Cli.gaur("info", "--advice", "--output=json", image).ok().out();
        assertTrue(json.contains("\"after-crash\": \"journal\""), json);
    }

    @Test
    void aRawImageHasNothingToLookUp() {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "raw", "image", "64M").ok();
        String text = Cli.gaur("info", "--advice", "-f", "raw", folder.resolve("image")).ok().out();
        assertTrue(text.contains("raw, 64 MiB in "), text);
        assertTrue(text.endsWith("advice: none\n"), text);
    }

    @Test
    void itGoesWithNoOtherView() {
        Path image = create("image", "64M");
        for (String other : new String[] {"--limits", "--backing-chain"}) {
            assertEquals(1, Cli.gaur("info", "--advice", other, image).status());
        }
        assertEquals(1, Cli.gaur("info", "--advice", folder.resolve("missing")).status());
    }
}
