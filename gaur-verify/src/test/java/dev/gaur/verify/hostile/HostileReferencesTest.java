package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.cli.Cli;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.OpenPolicy;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Specimen;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an image names is a path and nothing else: no other driver's syntax, no loop, no endless
 * chain, and nothing at all where the policy forbids it.
 */
class HostileReferencesTest {
    private static final int DEEP = 200;

    private static Specimen image() {
        return Crafted.withL2(12, 1 << 20, 1);
    }

    private static Path folder(String name) {
        return ImageZoo.workshop("references-" + name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "json:{\"driver\":\"file\",\"filename\":\"secret\"}",
                "json:{\"driver\":\"raw\",\"file\":{\"filename\":\"/etc/passwd\"}}",
                "nbd:localhost:10809",
                "nbd://localhost/",
                "nbd+unix:///?socket=/tmp/socket",
                "ssh://localhost/etc/passwd",
                "http://localhost/",
                "https://localhost/",
                "fd:0",
                "/dev/fdset/0",
                "rbd:pool/image",
                "blkdebug::secret",
                "null-co://",
                "file:blkdebug::secret",
                "file:null-co://",
                "file:json:{\"driver\":\"null-co\"}",
                "file:file:secret"
            })
    void nameInTheSyntaxOfAnotherDriverIsNotParsed(String name) throws IOException {
        Path folder = folder("syntax");
        Files.writeString(folder.resolve("secret"), "secret");
        Path overlay = Crafted.naming(image(), name).write(folder.resolve("overlay"));
        Path data = Crafted.withDataFile(image(), name).write(folder.resolve("data"));
        assertThrows(BlockException.class, () -> Exercise.open(overlay).close());
        assertThrows(BlockException.class, () -> Exercise.open(data).close());
        for (Path path : new Path[] {overlay, data}) {
            Peers.Result info = Cli.gaur("info", path);
            assertEquals(0, info.status(), info::toString);
            assertTrue(info.out().contains(name.substring(0, 4)), info::toString);
        }
        Peers.Result chain = Cli.gaur("info", "--backing-chain", overlay);
        assertEquals(1, chain.status(), chain::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"null-co", "null-aio", "blkdebug", "copy-on-read", "compress"})
    void aDriverIsNoFormatThatAnImageMayState(String format) throws IOException {
        Path folder = folder("driver");
        Files.write(folder.resolve("base"), new byte[512]);
        Path overlay = image().copy().write(folder.resolve("overlay"));
        Specimen stated = Crafted.naming(Specimen.read(overlay), "base");
        byte[] name = format.getBytes(StandardCharsets.UTF_8);
        Crafted.extension(stated, 112, 0xe2792aca, name);
        stated.write(overlay);
        assertThrows(BlockException.Unsupported.class, () -> Exercise.open(overlay).close());
        assertEquals(1, Cli.gaur("info", "--backing-chain", overlay).status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/zero", "/dev/tty", "/proc/self/mem", "/", ".", ""})
    void deviceOrFolderAsBackingFileEndsClearly(String name) {
        Path overlay = Crafted.naming(image(), name).write(folder("device").resolve("overlay"));
        Exercise.all(overlay, overlay.resolveSibling("scratch"));
    }

    @Test
    void infoOfAnImageOpensNothingElse() {
        Path folder = folder("absent");
        Path overlay = Crafted.naming(image(), "absent").write(folder.resolve("overlay"));
        Path data = Crafted.withDataFile(image(), "absent").write(folder.resolve("data"));
        assertEquals(0, Cli.gaur("info", overlay).status());
        assertEquals(0, Cli.gaur("info", data).status());
        assertThrows(BlockException.Media.class, () -> Exercise.open(overlay).close());
        assertThrows(BlockException.Media.class, () -> Exercise.open(data).close());
    }

    @Test
    void rawDiskWithAHeaderInItStaysRaw() {
        Path disk = Crafted.naming(image(), "noise").write(folder("raw").resolve("disk"));
        OpenRequest raw = OpenRequest.READ.withFormat("raw").withPolicy(OpenPolicy.refuse());
        try (BlockDevice device = ChainOpener.open(disk.toString(), raw)) {
            assertEquals(disk.toFile().length(), device.length(), "the header is data");
        }
        Path overlay = image().copy().write(folder("raw").resolve("overlay"));
        Specimen stated = Crafted.naming(Specimen.read(overlay), "disk");
        Crafted.extension(stated, 112, 0xe2792aca, "raw".getBytes(StandardCharsets.UTF_8));
        stated.write(overlay);
        try (BlockDevice device = Exercise.open(overlay)) {
            byte[] start = new byte[4];
            device.read(0, MemorySegment.ofArray(start));
            assertEquals('Q', start[0], "the backing file's header is data");
        }
    }

    @Test
    void policyThatRefusesOpensNoReference() {
        Path folder = folder("refuse");
        Path overlay = Crafted.naming(image(), "noise").write(folder.resolve("overlay"));
        Path data = Crafted.withDataFile(image(), "noise").write(folder.resolve("data"));
        OpenRequest refuse = OpenRequest.READ.withPolicy(OpenPolicy.refuse());
        for (Path path : new Path[] {overlay, data}) {
            assertThrows(
                    BlockException.Denied.class,
                    () -> ChainOpener.open(path.toString(), refuse).close());
        }
    }

    @Test
    void policyOfAFolderIsNotLeftThroughALink() throws IOException {
        Path inside = Files.createDirectories(folder("within").resolve("inside"));
        Path link = inside.resolve("link");
        if (!Files.exists(link)) {
            Files.createSymbolicLink(link, Path.of("../noise"));
        }
        Path overlay = Crafted.naming(image(), "link").write(inside.resolve("overlay"));
        Path dots = Crafted.naming(image(), "../noise").write(inside.resolve("dots"));
        OpenRequest within = OpenRequest.READ.withPolicy(OpenPolicy.within(inside));
        for (Path path : new Path[] {overlay, dots}) {
            assertThrows(
                    BlockException.Denied.class,
                    () -> ChainOpener.open(path.toString(), within).close());
        }
    }

    @Test
    void imageThatIsItsOwnBackingFile() {
        Path self = Crafted.naming(image(), "self").write(folder("loop").resolve("self"));
        assertMessage(self, "loop");
    }

    @Test
    void twoImagesThatBackEachOther() throws IOException {
        Path folder = folder("loop");
        Path first = Crafted.naming(image(), "second").write(folder.resolve("first"));
        Crafted.naming(image(), "./first").write(folder.resolve("second"));
        assertMessage(first, "loop");
        Path link = folder.resolve("link");
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, Path.of("viaLink"));
        Path viaLink = Crafted.naming(image(), "link").write(folder.resolve("viaLink"));
        assertMessage(viaLink, "loop");
    }

    @Test
    void chainOfTwoHundredImagesReadsOrIsRefusedClearly() {
        Path folder = folder("deep");
        Specimen base = image();
        base.putU64(base.l2Table(0), Crafted.append(base, 1) | Crafted.COPIED);
        base.write(folder.resolve("layer0"));
        for (int i = 1; i <= DEEP; i++) {
            Crafted.naming(image(), "layer" + (i - 1)).write(folder.resolve("layer" + i));
        }
        Exercise.all(folder.resolve("layer" + DEEP), folder.resolve("scratch"));
    }

    @Test
    void dataFileThatIsTheImageItself() {
        Path self = Crafted.withDataFile(image(), "self").write(folder("data").resolve("self"));
        Exercise.all(self, self.resolveSibling("scratch"));
    }

    @Test
    void failedOpenLeavesNoFileOpen() throws IOException {
        Path folder = folder("leak");
        Path missing = Crafted.naming(image(), "absent").write(folder.resolve("overlay"));
        Path badBase = Crafted.naming(image(), "bad").write(folder.resolve("over-bad"));
        image().putU64(40, 1).write(folder.resolve("bad"));
        Path noData = Crafted.withDataFile(image(), "absent").write(folder.resolve("data"));
        open(missing, badBase, noData);
        long before = openFiles();
        open(missing, badBase, noData);
        assertEquals(before, openFiles(), "open file descriptors");
    }

    private static void open(Path... paths) {
        for (Path path : paths) {
            for (int i = 0; i < 20; i++) {
                assertThrows(BlockException.class, () -> Exercise.open(path).close());
            }
        }
    }

    private static long openFiles() throws IOException {
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    private static void assertMessage(Path path, String word) {
        BlockException e = assertThrows(BlockException.class, () -> Exercise.open(path).close());
        Patient.assertWords(String.valueOf(e.getMessage()), word);
        assertFalse(e.image().isEmpty(), "names the image");
    }
}
