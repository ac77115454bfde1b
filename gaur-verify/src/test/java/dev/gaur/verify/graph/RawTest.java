package dev.gaur.verify.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.verify.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Raw files of any length have the size that QEMU gives them. */
class RawTest {
    @TempDir Path folder = Path.of("");

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 511, 512, 513, 1000, 65_535})
    void theSizeIsRoundedAsQemuRoundsIt(int length) throws Exception {
        Path file = Files.write(folder.resolve("odd.raw"), new byte[length]);
        String json = Peers.qemuImg("info", "-f", "raw", "--output=json", file).ok().out();
        String size = json.replaceAll("(?s).*\"virtual-size\": (\\d+).*", "$1");
        try (BlockDevice device = ChainOpener.open(file.toString(), OpenRequest.READ)) {
            assertEquals(Long.parseLong(size), device.length());
        }
    }
}
