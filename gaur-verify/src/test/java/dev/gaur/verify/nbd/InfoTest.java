package dev.gaur.verify.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.graph.OpenRequest;
import dev.gaur.verify.Peers;
import dev.gaur.verify.Peers.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What nbdinfo says of an image that we serve is what it says of the same image served by qemu-nbd:
 * sizes, abilities, contexts, maps.
 */
class InfoTest {
    private static final String ALLOCATION = "base:allocation";
    private static final String DEPTH = "qemu:allocation-depth";

    @TempDir Path folder;

    static Stream<Images.Kind> kinds() {
        return Images.all().stream();
    }

    /** Part of a map. */
    private record Piece(long offset, long length, String what) {
        static Piece parse(String line) {
            String[] columns = line.strip().split(" +", 3);
            return new Piece(Long.parseLong(columns[0]), Long.parseLong(columns[1]), columns[2]);
        }
    }

    /** Reads a map; how a server cuts what is of one kind says nothing. */
    private static List<Piece> map(Result result) {
        return joined(result.ok().out().lines().map(Piece::parse).toList());
    }

    private static List<Piece> joined(List<Piece> pieces) {
        List<Piece> joined = new ArrayList<>();
        for (Piece piece : pieces) {
            Piece last = joined.isEmpty() ? new Piece(0, 0, "") : joined.getLast();
            assertEquals(last.offset() + last.length(), piece.offset(), "gap in " + pieces);
            if (last.what().equals(piece.what())) {
                long length = last.length() + piece.length();
                joined.set(joined.size() - 1, new Piece(last.offset(), length, last.what()));
            } else {
                joined.add(piece);
            }
        }
        return joined;
    }

    /** Asks about an image that qemu-nbd serves. */
    private static Result judged(Path image, String format, List<String> server, String... info) {
        List<Object> words = new ArrayList<>(Arrays.asList(info));
        words.addAll(List.of("--", "[", "qemu-nbd", "-e", "0", "-f", format));
        words.addAll(server);
        words.addAll(List.of(image, "]"));
        return Peers.run("nbdinfo", words.toArray());
    }

    private static Result info(Served served, String... options) {
        List<Object> words = new ArrayList<>(Arrays.asList(options));
        words.add(served.uri());
        return Peers.run("nbdinfo", words.toArray());
    }

    /**
     * What nbdinfo has found out, but for its guess at what the disk contains, and the URI, which
     * it does not know of a server that it has started.
     */
    private static List<String> facts(Result result) {
        return result.ok()
                .out()
                .lines()
                .filter(line -> !line.contains("\"content\"") && !line.contains("\"uri\""))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void tellsTheSameOfTheDiskAsQemu(Images.Kind kind) {
        Path image = kind.in(folder);
        Result qemu = judged(image, kind.format(), List.of("-r", "-A"), "--json");
        try (Served served = Served.read(image, kind.format())) {
            assertEquals(facts(qemu), facts(info(served, "--json")));
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void mapsDataAndZerosAsQemuDoes(Images.Kind kind) {
        Path image = kind.in(folder);
        List<Piece> qemu = map(judged(image, kind.format(), List.of("-r"), "--map=" + ALLOCATION));
        try (Served served = Served.read(image, kind.format())) {
            assertEquals(qemu, map(info(served, "--map=" + ALLOCATION)));
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void mapsLayersAsQemuDoes(Images.Kind kind) {
        Path image = kind.in(folder);
        List<Piece> qemu = map(judged(image, kind.format(), List.of("-r", "-A"), "--map=" + DEPTH));
        try (Served served = Served.read(image, kind.format())) {
            List<Piece> ours = map(info(served, "--map=" + DEPTH));
            assertEquals(qemu, kind.baseEnd() == 0 ? ours : asQemuSaysIt(ours, kind.baseEnd()));
        }
    }

    /**
     * QEMU says that a base that has ended has what it does not have; we say that nobody has it. It
     * reads as zeros both ways, which {@code base:allocation} tells alike.
     */
    private static List<Piece> asQemuSaysIt(List<Piece> ours, long end) {
        List<Piece> said = new ArrayList<>();
        for (Piece piece : ours) {
            boolean differs = piece.offset() >= end && piece.what().equals("0  absent");
            String what = differs ? "2  backing depth 2" : piece.what();
            said.add(new Piece(piece.offset(), piece.length(), what));
        }
        return joined(said);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fine", "coarse", "off"})
    void mapsBitmapsAsQemuDoes(String bitmap) {
        Path image = Images.bitmaps(folder);
        String context = "qemu:dirty-bitmap:" + bitmap;
        List<Piece> qemu = map(judged(image, "qcow2", List.of("-B", bitmap), "--map=" + context));
        try (Served served = Served.write(image, "qcow2")) {
            List<Piece> ours = map(info(served, "--map=" + context));
            assertEquals(qemu, ours);
            assertEquals(!bitmap.equals("off"), ours.size() > 1);
        }
    }

    @Test
    void mapsAnInternalSnapshotAsQemuDoes() {
        Path image = Images.all().get(7).in(folder);
        List<Piece> qemu = map(judged(image, "qcow2", List.of("-r", "-l", "before"), "--map"));
        try (Served served = Served.nothing(folder)) {
            served.add("", image, OpenRequest.READ.withSnapshot("before"));
            assertEquals(qemu, map(info(served, "--map")));
        }
        try (Served now = Served.read(image, "qcow2")) {
            assertNotEquals(qemu, map(info(now, "--map")));
        }
    }

    @Test
    void writersCanDoWhatTheyCanWithQemu() {
        Path image = Images.qcow2(folder);
        Result qemu = judged(image, "qcow2", List.of("-A"), "--json");
        try (Served served = Served.write(image, "qcow2")) {
            assertEquals(facts(qemu), facts(info(served, "--json")));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "connect",
                "cache",
                "df",
                "fast-zero",
                "flush",
                "fua",
                "multi-conn",
                "read",
                "trim",
                "write",
                "zero"
            })
    void canBeAskedForEachAbility(String ability) {
        Path image = Images.qcow2(folder);
        try (Served served = Served.write(image, "qcow2")) {
            Peers.run("nbdinfo", "--can", ability, served.uri()).exited(0);
            Peers.run("nbdinfo", "--is", "read-only", served.uri()).exited(2);
            Peers.run("nbdinfo", "--is", "rotational", served.uri()).exited(2);
        }
        boolean changes = List.of("fast-zero", "trim", "write", "zero").contains(ability);
        try (Served served = Served.read(image, "qcow2")) {
            Peers.run("nbdinfo", "--can", ability, served.uri()).exited(changes ? 2 : 0);
            Peers.run("nbdinfo", "--is", "read-only", served.uri()).exited(0);
        }
    }

    @Test
    void tellsTheSize() {
        Path image = Images.chain(folder);
        try (Served served = Served.read(image, "qcow2")) {
            assertEquals("4194304", info(served, "--size").ok().text());
        }
    }

    @Test
    void listsEveryExportWithItsDescription() {
        Path first = Images.qcow2(folder);
        Path second = Images.bitmaps(folder);
        try (Served served = Served.nothing(folder)) {
            served.add("b\u00e4r/1", first, OpenRequest.READ);
            var export = served.add("two", second, OpenRequest.READ);
            served.server().remove("two");
            served.server().add(export.withDescription("the second, \u00b5"));
            String list = info(served, "--list").ok().out();
            assertTrue(list.contains("export=\"b\u00e4r/1\":"), list);
            assertTrue(list.contains("export=\"two\":"), list);
            assertTrue(list.contains("description: the second, \u00b5\n"), list);
            assertTrue(list.contains("export-size: 8388608 (8M)"), list);
            assertTrue(list.contains("export-size: 4194304 (4M)"), list);
        }
    }

    @Test
    void anExportThatIsNotThereIsRefused() {
        Path image = Images.qcow2(folder);
        try (Served served = Served.nothing(folder)) {
            served.add("one", image, OpenRequest.READ);
            Peers.run("nbdinfo", served.uri("two")).exited(1);
            Peers.run("nbdinfo", "--size", served.uri("one")).exited(0);
        }
    }
}
