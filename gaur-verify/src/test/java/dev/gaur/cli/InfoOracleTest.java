package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Under qemu-img's name, {@code info} and {@code map} print what qemu-img prints, byte for byte.
 */
class InfoOracleTest {
    private static final List<List<String>> CALLS =
            List.of(
                    List.of("info"),
                    List.of("info", "--output=json"),
                    List.of("info", "-U", "--backing-chain"),
                    List.of("info", "--backing-chain", "--output", "json"),
                    List.of("info", "-f", "raw"),
                    List.of("map"),
                    List.of("map", "--output=json"),
                    List.of("map", "--output=json", "-s", "70000", "-l", "1.5M"),
                    List.of("map", "-U", "--max-length=1k"),
                    List.of("map", "--output=json", "-f", "raw"));

    static Stream<Exhibit> zoo() {
        return ImageZoo.all().stream();
    }

    @ParameterizedTest
    @MethodSource("zoo")
    void prints(Exhibit exhibit) {
        for (List<String> call : CALLS) {
            Peers.Result expected = Peers.qemuImgIn(exhibit.folder(), with(call, name(exhibit)));
            Peers.Result actual = Cli.asQemuImg(with(call, exhibit.path()));
            String folder = exhibit.folder() + "/";
            assertEquals(
                    call + "\n" + all(expected).replace(folder, ""),
                    call + "\n" + all(actual).replace(folder, ""));
        }
    }

    /** QEMU looks for data files beside itself, not beside the image. */
    private static Object name(Exhibit exhibit) {
        boolean dataFile = Files.exists(Path.of(exhibit.path() + ".data"));
        return dataFile ? exhibit.path().getFileName() : exhibit.path();
    }

    private static Object[] with(List<String> call, Object file) {
        return Stream.concat(call.stream(), Stream.of(file)).toArray();
    }

    private static String all(Peers.Result result) {
        return result.out() + result.err() + result.status();
    }
}
