package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

    private static final Pattern NOT_PRESENT =
            Pattern.compile(
                    "\\{ \"start\": (\\d+), \"length\": (\\d+), (\"depth\": \\d+, \"present\":"
                            + " false, \"zero\": true, \"data\": false)(, \"offset\": \\d+)?\\}");

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
        String text = result.out() + result.err() + result.status();
        return result.command().contains("map") ? withoutReserved(text) : text;
    }

    /**
     * Where a cluster with subclusters is placed but a subcluster is not there, QEMU shows the
     * place it would have. We do not: nothing is stored there. So such entries lose their offset,
     * and those that thereby are alike become one.
     */
    private static String withoutReserved(String text) {
        StringBuilder result = new StringBuilder();
        Matcher matcher = NOT_PRESENT.matcher(text);
        String kind = "";
        long start = 0;
        long length = 0;
        int done = 0;
        while (matcher.find()) {
            String between = text.substring(done, matcher.start());
            boolean joins = between.equals(",\n") && matcher.group(3).equals(kind);
            if (!joins) {
                result.append(entry(kind, start, length)).append(between);
                start = Long.parseLong(matcher.group(1));
                length = 0;
            }
            kind = matcher.group(3);
            length += Long.parseLong(matcher.group(2));
            done = matcher.end();
        }
        return result.append(entry(kind, start, length)).append(text.substring(done)).toString();
    }

    private static String entry(String kind, long start, long length) {
        return kind.isEmpty()
                ? ""
                : "{ \"start\": " + start + ", \"length\": " + length + ", " + kind + "}";
    }
}
