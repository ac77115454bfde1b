package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The smallest chain, one raw image: probing, rights, ranges. */
class RawChainTest {
    @TempDir Path folder = Path.of("");

    private String file(byte[] content) throws Exception {
        return Files.write(folder.resolve("disk.img"), content).toString();
    }

    @Test
    void aFileOfNoOtherFormatIsRaw() throws Exception {
        byte[] content = new byte[1024];
        Arrays.fill(content, (byte) 5);
        try (BlockDevice device = ChainOpener.open(file(content), OpenRequest.READ)) {
            assertEquals("raw", device.image().info().format());
            assertArrayEquals(content, TestBytes.read(device, 0, 1024));
        }
    }

    @Test
    void anEmptyFileIsARawDiskOfNoBytes() throws Exception {
        try (BlockDevice device = ChainOpener.open(file(new byte[0]), OpenRequest.READ)) {
            assertEquals(0, device.length());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "vmdk,KDMV",
        "vhdx,vhdxfile",
        "vpc,conectix",
        "qed,QED\0",
        "luks,LUKS\u00ba\u00be",
        "parallels,WithoutFreeSpace"
    })
    void aContainerThatGaurCannotReadIsNotTakenForARawDisk(String format, String magic)
            throws Exception {
        byte[] content = Arrays.copyOf(magic.getBytes(StandardCharsets.ISO_8859_1), 2048);
        String file = file(content);
        BlockException.Unsupported error =
                assertThrows(
                        BlockException.Unsupported.class,
                        () -> ChainOpener.open(file, OpenRequest.READ));
        assertEquals("format '" + format + "' is not supported yet", error.found());
        ChainOpener.open(file, OpenRequest.READ.withFormat("raw")).close();
    }

    @Test
    void aFormatNobodyKnowsIsRefusedByName() throws Exception {
        String file = file(new byte[512]);
        BlockException.Unsupported error =
                assertThrows(
                        BlockException.Unsupported.class,
                        () -> ChainOpener.open(file, OpenRequest.READ.withFormat("nono")));
        assertEquals("Unknown driver 'nono'", error.found());
    }

    @Test
    void aRequestOutsideTheDiskIsTheCallersMistake() throws Exception {
        String file = file(new byte[1024]);
        try (BlockDevice device = ChainOpener.open(file, OpenRequest.READ.withWritable(true))) {
            MemorySegment sector = MemorySegment.ofArray(new byte[512]);
            assertThrows(IndexOutOfBoundsException.class, () -> device.read(513, sector));
            assertThrows(IndexOutOfBoundsException.class, () -> device.read(-1, sector));
            assertThrows(IndexOutOfBoundsException.class, () -> device.tryRead(1024, sector));
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> device.write(1000, sector, Durability.CACHED));
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> device.zero(Long.MAX_VALUE, 2, ZeroMode.KEEP, Durability.CACHED));
            assertThrows(IndexOutOfBoundsException.class, () -> device.discard(0, 1025));
            assertThrows(IndexOutOfBoundsException.class, () -> device.extents(0, 1025, _ -> true));
        }
    }

    @Test
    void whatWasOpenedForReadingCannotBeChanged() throws Exception {
        String file = file(new byte[1024]);
        try (BlockDevice device = ChainOpener.open(file, OpenRequest.READ)) {
            MemorySegment sector = MemorySegment.ofArray(new byte[512]);
            assertThrows(
                    BlockException.Denied.class, () -> device.write(0, sector, Durability.CACHED));
            assertThrows(BlockException.Denied.class, () -> device.discard(0, 512));
        }
    }

    @Test
    void aRawDiskCanBeWritten() throws Exception {
        String file = file(new byte[1024]);
        try (BlockDevice device = ChainOpener.open(file, OpenRequest.READ.withWritable(true))) {
            device.write(512, MemorySegment.ofArray(new byte[] {1, 2}), Durability.STABLE);
        }
        byte[] expected = new byte[1024];
        expected[512] = 1;
        expected[513] = 2;
        assertArrayEquals(expected, Files.readAllBytes(Path.of(file)));
    }

    @Test
    void oneImageAloneSaysWhatItIs() throws Exception {
        try (Image image = ChainOpener.openAlone(file(new byte[1000]), OpenRequest.READ)) {
            assertEquals(1024, image.info().virtualSize());
            assertEquals(1000, image.info().fileLength());
        }
    }
}
