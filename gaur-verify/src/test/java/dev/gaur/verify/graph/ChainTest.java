package dev.gaur.verify.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.OpenPolicy;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChainTest {
    private static final OpenRequest READ = OpenRequest.READ;

    @TempDir Path folder = Path.of("");
    private long descriptorsBefore;

    @BeforeEach
    void countDescriptors() throws Exception {
        ChainOpener.open(image("warm-up.qcow2", "4k").toString(), READ).close();
        descriptorsBefore = openFilesIn(folder);
    }

    @AfterEach
    void nothingStaysOpen() throws Exception {
        assertEquals(descriptorsBefore, openFilesIn(folder));
    }

    private static long openFilesIn(Path folder) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(descriptor -> leadsInto(folder, descriptor)).count();
        }
    }

    private static boolean leadsInto(Path folder, Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).startsWith(folder);
        } catch (IOException _) {
            return false; // The one that lists the folder is gone.
        }
    }

    private Path image(String name, String size, String... options) {
        Path path = folder.resolve(name);
        Peers.qemuImg(
                        Stream.concat(
                                        Stream.of("create", "-q", "-f", "qcow2"),
                                        Stream.concat(
                                                Arrays.stream(options),
                                                Stream.of(path.toString(), size)))
                                .toArray())
                .ok();
        return path;
    }

    private Path overlay(String name, String size, String backing) {
        return image(name, size, "-u", "-b", backing, "-F", "qcow2");
    }

    private static BlockDevice open(Path path) {
        return ChainOpener.open(path.toString(), READ);
    }

    @Test
    void aChainOfAllSortsReadsAsQemuReadsIt() throws Exception {
        Path base = folder.resolve("base.raw");
        Files.write(base, TestBytes.patchy(new java.util.Random(7), 300_000));
        Path longer = image("a.qcow2", "1M", "-b", "base.raw", "-F", "raw");
        Peers.qemuIo(longer, "qcow2", "write -P 1 100k 70k", "write -z 0 64k").ok();
        Path shorter =
                image(
                        "b.qcow2",
                        "200000",
                        "-o",
                        "cluster_size=512",
                        "-b",
                        "a.qcow2",
                        "-F",
                        "qcow2");
        Peers.qemuIo(shorter, "qcow2", "write -P 2 3k 5k").ok();
        Path old = image("c.qcow2", "2M", "-o", "compat=0.10", "-b", "b.qcow2", "-F", "qcow2");
        Peers.qemuIo(old, "qcow2", "write -P 3 1M 1k").ok();
        Path flat = folder.resolve("flat.raw");
        Peers.qemuImg("convert", "-O", "raw", old, flat).ok();
        try (BlockDevice device = open(old)) {
            assertEquals(4, device.layers().size());
            assertArrayEquals(
                    Files.readAllBytes(flat), TestBytes.read(device, 0, (int) device.length()));
        }
    }

    @Test
    void aRelativeNameIsMeantInTheFolderOfTheImageThatHasIt() throws Exception {
        Path below = Files.createDirectory(folder.resolve("below"));
        Peers.qemuIo(image("base.qcow2", "1M"), "qcow2", "write -P 9 0 1M").ok();
        image("below/middle.qcow2", "1M", "-u", "-b", "../base.qcow2", "-F", "qcow2");
        Path top = overlay("top.qcow2", "1M", below.getFileName() + "/middle.qcow2");
        try (BlockDevice device = open(top)) {
            assertArrayEquals(new byte[] {9, 9}, TestBytes.read(device, 1000, 2));
        }
    }

    @Test
    void aBackingFileWithoutAFormatIsProbed() throws Exception {
        Peers.qemuIo(image("base.qcow2", "1M"), "qcow2", "write -P 9 0 1M").ok();
        Path stated = overlay("top.qcow2", "1M", "base.qcow2");
        Peers.qemuImg("rebase", "-u", "-b", "base.qcow2", "-F", "", stated);
        Path unstated = image("unstated.qcow2", "1M", "-o", "compat=0.10");
        byte[] bytes = Files.readAllBytes(unstated);
        byte[] name = "base.qcow2".getBytes(StandardCharsets.UTF_8);
        bytes[14] = 0x0f; // The name at offset 0xf00 of the first cluster,
        bytes[19] = (byte) name.length; // and its length.
        System.arraycopy(name, 0, bytes, 0xf00, name.length);
        Files.write(unstated, bytes);
        try (BlockDevice device = open(unstated)) {
            assertArrayEquals(new byte[] {9, 9}, TestBytes.read(device, 1000, 2));
        }
    }

    @Test
    void anImageOnItselfIsRefused() {
        Path top = overlay("top.qcow2", "1M", "top.qcow2");
        BlockException.Corrupt error = assertThrows(BlockException.Corrupt.class, () -> open(top));
        assertTrue(error.found().contains("creates an infinite loop"), error.found());
    }

    @Test
    void aLoopThroughALinkIsRefused() throws Exception {
        Path top = overlay("top.qcow2", "1M", "middle.qcow2");
        overlay("middle.qcow2", "1M", "alias.qcow2");
        Files.createSymbolicLink(folder.resolve("alias.qcow2"), top);
        assertThrows(BlockException.Corrupt.class, () -> open(top));
    }

    @Test
    void aMissingBackingFileIsNamed() {
        Path top = overlay("top.qcow2", "1M", "gone.qcow2");
        BlockException.Media error = assertThrows(BlockException.Media.class, () -> open(top));
        String gone = "Could not open '" + folder + "/gone.qcow2': No such file or directory";
        assertEquals("Could not open backing file: " + gone, error.found());
        assertEquals(top.toString(), error.image());
    }

    @Test
    void aDamagedBaseClosesAllThatWasOpened() throws Exception {
        Path base = image("base.qcow2", "1M");
        byte[] bytes = Files.readAllBytes(base);
        bytes[20] = 77; // 2^77 bytes in a cluster, or so.
        bytes[21] = 77;
        Files.write(base, bytes);
        overlay("middle.qcow2", "1M", "base.qcow2");
        Path top = overlay("top.qcow2", "1M", "middle.qcow2");
        assertThrows(BlockException.class, () -> open(top));
    }

    @Test
    void namesWithAProtocolAreRefusedWithoutBeingParsed() {
        for (String name : new String[] {"json:{\"driver\":\"null-co\"}", "nbd://127.0.0.1/x"}) {
            Path top = image("top.qcow2", "1M", "-u", "-b", name, "-F", "raw");
            assertThrows(BlockException.Denied.class, () -> open(top), name);
        }
    }

    @Test
    void aPolicyIsAskedBeforeAnythingIsOpened() {
        image("base.qcow2", "1M");
        Path top = overlay("top.qcow2", "1M", "base.qcow2");
        OpenRequest refusing = READ.withPolicy(OpenPolicy.refuse());
        assertThrows(BlockException.Denied.class, () -> ChainOpener.open(top.toString(), refusing));
        ChainOpener.open(top.toString(), READ.withPolicy(OpenPolicy.within(folder))).close();
        Path outside = overlay("outside.qcow2", "1M", "/dev/null");
        assertThrows(
                BlockException.Denied.class,
                () ->
                        ChainOpener.open(
                                outside.toString(), READ.withPolicy(OpenPolicy.within(folder))));
    }

    @Test
    void aPolicyIsAskedForDataFilesToo() {
        Path top = image("top.qcow2", "1M", "-o", "data_file=" + folder.resolve("data.raw"));
        try (BlockDevice device = open(top)) {
            assertEquals(1 << 20, device.length());
        }
        assertThrows(
                BlockException.Denied.class,
                () -> ChainOpener.open(top.toString(), READ.withPolicy(OpenPolicy.refuse())));
    }

    @Test
    void aSlowLookAtOneImageOpensNothingElse() throws Exception {
        Path top = overlay("top.qcow2", "1M", "gone.qcow2");
        try (Image image = ChainOpener.openAlone(top.toString(), READ)) {
            assertEquals("gone.qcow2", image.info().backing().orElseThrow().name());
            assertThrows(BlockException.Denied.class, () -> TestBytes.read(image, 0, 512));
        }
    }

    @Test
    void withoutItsBackingFilesAnImageHasOnlyWhatItHolds() throws Exception {
        Path top = overlay("top.qcow2", "1M", "gone.qcow2");
        Peers.qemuImg("rebase", "-u", "-b", "", top).ok();
        Peers.qemuIo(top, "qcow2", "write -P 5 64k 64k").ok();
        Peers.qemuImg("rebase", "-u", "-b", "gone.qcow2", "-F", "qcow2", top).ok();
        OpenRequest alone = READ.withBacking(false);
        try (BlockDevice device = ChainOpener.open(top.toString(), alone)) {
            assertArrayEquals(new byte[] {5, 5}, TestBytes.read(device, 70_000, 2));
            assertThrows(BlockException.Denied.class, () -> TestBytes.read(device, 0, 2));
        }
    }

    @Test
    void aChainOfAThousandImagesIsReadByAnyThread() throws Exception {
        Path top = deepChain(ChainOpener.DEPTH_MAX);
        try (BlockDevice device = open(top)) {
            assertEquals(ChainOpener.DEPTH_MAX, device.layers().size());
            byte[] all = TestBytes.read(device, 0, 65_536);
            byte[] sevens = new byte[65_536];
            Arrays.fill(sevens, (byte) 7);
            assertArrayEquals(sevens, all);
            int[] depth = new int[1];
            device.extents(
                    0,
                    65_536,
                    extent -> {
                        depth[0] = extent.depth();
                        return true;
                    });
            assertEquals(ChainOpener.DEPTH_MAX - 1, depth[0]);
        }
    }

    @Test
    void aChainWithoutEndIsGivenUp() throws Exception {
        Path top = deepChain(ChainOpener.DEPTH_MAX + 1);
        assertThrows(BlockException.Unsupported.class, () -> open(top));
    }

    /** Makes a chain of copies of one overlay, each with another name in it. */
    private Path deepChain(int depth) throws IOException {
        String first = "layer0000.qcow2";
        Path base = image(first, "64k", "-o", "cluster_size=512");
        Peers.qemuIo(base, "qcow2", "write -P 7 0 64k").ok();
        Path pattern =
                image("p", "64k", "-u", "-o", "cluster_size=512", "-b", first, "-F", "qcow2");
        String bytes = Files.readString(pattern, StandardCharsets.ISO_8859_1);
        Path top = base;
        for (int layer = 1; layer < depth; layer++) {
            String named = bytes.replace(first, top.getFileName().toString());
            top = folder.resolve("layer%04d.qcow2".formatted(layer));
            Files.writeString(top, named, StandardCharsets.ISO_8859_1);
        }
        return top;
    }
}
