package dev.gaur.verify.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Gaur reads what {@code qemu-img convert} reads, for every exhibit and each of its snapshots. */
class ReadsSameBytesTest {
    /** A cache of a few tables: every read has to fetch and evict. */
    private static final long SMALLEST_CACHE = 4096;

    static Stream<Arguments> disks() {
        return ImageZoo.all().stream()
                .flatMap(
                        exhibit ->
                                Stream.concat(Stream.of(""), exhibit.snapshots().stream())
                                        .map(snapshot -> Arguments.of(exhibit, snapshot)));
    }

    @ParameterizedTest
    @MethodSource("disks")
    void everyByteIsWhatQemuReads(Exhibit exhibit, String snapshot) throws IOException {
        OpenRequest request = OpenRequest.READ.withFormat(exhibit.format()).withSnapshot(snapshot);
        try (Truth truth = Truth.of(exhibit, snapshot)) {
            compare(truth, exhibit, request);
            compare(truth, exhibit, request.withMetadataCacheBytes(SMALLEST_CACHE));
        }
    }

    private static void compare(Truth truth, Exhibit exhibit, OpenRequest request)
            throws IOException {
        try (BlockDevice device = ChainOpener.open(exhibit.path().toString(), request)) {
            assertEquals(truth.length(), device.length(), "length");
            truth.assertReads(device, ImageZoo.SEED ^ exhibit.name().hashCode());
        }
    }
}
