package dev.gaur.verify.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Under the name {@code qemu-img}, Gaur prints what {@code qemu-img} prints, byte for byte, and
 * exits as it does: maps, check reports and descriptions of every exhibit.
 */
class SaysTheSameTest {
    private static Object[] with(Exhibit exhibit, String... command) {
        Object[] arguments = new Object[command.length + 1];
        System.arraycopy(command, 0, arguments, 0, command.length);
        arguments[command.length] = exhibit.path();
        return arguments;
    }

    /** As {@link #same}, but for what {@link MapLines} leaves aside. */
    private static void sameMap(Exhibit exhibit, String... command) {
        Object[] arguments = with(exhibit, command);
        Peers.Result qemu = Peers.qemuImgIn(exhibit.folder(), arguments);
        Peers.Result gaur = Cli.asQemuImg(arguments);
        assertEquals(MapLines.of(qemu.out()), MapLines.of(gaur.out()), () -> qemu + "\n" + gaur);
        assertEquals(qemu.status(), gaur.status(), () -> qemu + "\n" + gaur);
        assertEquals(qemu.err(), gaur.err(), exhibit.name());
    }

    /** QEMU looks for data files from where it was started; so it names them differently. */
    private static void sameTable(Exhibit exhibit) {
        Object[] arguments = with(exhibit, "map", "-f", exhibit.format());
        Peers.Result qemu = Peers.qemuImgIn(exhibit.folder(), arguments);
        Peers.Result gaur = Cli.asQemuImg(arguments);
        String folder = exhibit.folder() + "/";
        assertEquals(qemu.out().replace(folder, ""), gaur.out().replace(folder, ""));
        assertEquals(qemu.status(), gaur.status(), () -> qemu + "\n" + gaur);
    }

    private static void same(Exhibit exhibit, String... command) {
        Object[] arguments = with(exhibit, command);
        Peers.Result qemu = Peers.qemuImgIn(exhibit.folder(), arguments);
        Peers.Result gaur = Cli.asQemuImg(arguments);
        String name = String.join(" ", command) + " " + exhibit.name();
        assertEquals(qemu.out(), gaur.out(), () -> name + "\nqemu: " + qemu + "\ngaur: " + gaur);
        assertEquals(qemu.status(), gaur.status(), () -> name + "\n" + qemu + "\n" + gaur);
        assertEquals(qemu.err(), gaur.err(), name);
    }

    @ParameterizedTest
    @MethodSource("dev.gaur.verify.zoo.ImageZoo#all")
    void mapsAreTheSame(Exhibit exhibit) {
        sameMap(exhibit, "map", "--output=json", "-f", exhibit.format());
        sameTable(exhibit);
        sameMap(exhibit, "map", "--output=json", "--start-offset=5000", "--max-length=300001");
    }

    @ParameterizedTest
    @MethodSource("dev.gaur.verify.zoo.ImageZoo#all")
    void checkReportsAreTheSame(Exhibit exhibit) {
        same(exhibit, "check", "--output=json", "-f", exhibit.format());
        same(exhibit, "check");
    }

    @ParameterizedTest
    @MethodSource("dev.gaur.verify.zoo.ImageZoo#all")
    void descriptionsAreTheSame(Exhibit exhibit) {
        same(exhibit, "info", "--output=json", "-f", exhibit.format());
        same(exhibit, "info");
        for (String output : List.of("json", "human")) {
            same(exhibit, "info", "--backing-chain", "--output=" + output);
        }
    }
}
