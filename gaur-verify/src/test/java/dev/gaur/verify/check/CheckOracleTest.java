package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Both programs check the same broken images: exit code, standard output and every line about a
 * finding are the same.
 *
 * <p>Deliberate differences:
 *
 * <ul>
 *   <li>An image whose bitmaps are broken does not open in QEMU; ours counts them as corruption.
 *   <li>Ours opens neither backing files nor data files.
 *   <li>QEMU puts its name before the line about an unusable snapshot table; ours does not.
 *   <li>The words for a header that cannot be opened are ours.
 * </ul>
 */
class CheckOracleTest {
    private static final int CASES = ImageZoo.LONG ? 400 : 40;

    @TempDir private static Path folder;

    private static Stream<Base> bases() {
        return Base.all(folder);
    }

    private static List<String> findings(Peers.Result result) {
        return result.err()
                .lines()
                .map(line -> line.replace("qemu-img: ERROR ", "ERROR "))
                .filter(line -> !line.startsWith("qemu-img: "))
                .toList();
    }

    private static boolean isOpenFailure(Peers.Result result) {
        return result.status() == 1 && result.err().contains("qemu-img: Could not open");
    }

    @ParameterizedTest
    @MethodSource("bases")
    void brokenImagesGetTheSameVerdict(Base base) throws IOException {
        byte[] sound = Files.readAllBytes(base.make(folder));
        Random random = new Random(ImageZoo.SEED ^ base.name().hashCode());
        Path broken = folder.resolve("broken.qcow2");
        int compared = 0;
        for (int i = 0; i < CASES; i++) {
            Damage damage = new Damage(random, sound.clone());
            Files.write(broken, damage.inflict());
            String what = base + " case " + i + ", seed " + ImageZoo.SEED + ":" + damage;
            for (String output : List.of("human", "json")) {
                Peers.Result theirs =
                        Peers.qemuImg("check", "-f", "qcow2", "--output=" + output, broken);
                Peers.Result ours =
                        Cli.asQemuImg("check", "-f", "qcow2", "--output=" + output, broken);
                if (isOpenFailure(theirs)) {
                    boolean bitmaps = theirs.err().toLowerCase(Locale.ROOT).contains("bitmap");
                    boolean alike = ours.status() == 1 || (bitmaps && ours.status() == 2);
                    assertTrue(alike, what + "\n" + theirs + ours);
                    continue;
                }
                assertEquals(theirs.status(), ours.status(), what + "\n" + theirs + ours);
                assertEquals(theirs.out(), ours.out(), what);
                assertEquals(findings(theirs), findings(ours), what);
                compared++;
            }
        }
        assertTrue(compared > CASES / 2, base + ": only " + compared + " could be compared");
    }

    @Test
    void soundImagesOfTheZooAreAllClean() {
        ImageZoo.all().stream()
                .map(exhibit -> exhibit.path())
                .filter(image -> image.toString().endsWith(".qcow2"))
                .forEach(
                        image -> {
                            Peers.Result theirs = Peers.qemuImg("check", image);
                            Peers.Result ours = Cli.asQemuImg("check", image);
                            if (!isOpenFailure(theirs)) {
                                assertEquals(theirs.status(), ours.status(), ours::toString);
                                assertEquals(theirs.out(), ours.out(), ours::toString);
                            }
                        });
    }

    @Test
    void callsThatCannotSucceedEndAlike() throws IOException {
        Path raw = Files.write(folder.resolve("plain.raw"), new byte[1 << 20]);
        Path image = new Base("empty", "cluster_size=64k").make(folder);
        for (List<Object> arguments :
                List.<List<Object>>of(
                        List.of("check", raw),
                        List.of("check"),
                        List.of("check", image, image),
                        List.of("check", folder.resolve("nowhere")),
                        List.of("check", "-f", "foo", image),
                        List.of("check", "--output=x", image),
                        List.of("check", "-r", "foo", image),
                        List.of("check", "-q", "--output=json", image),
                        List.of("check", "-U", image))) {
            Peers.Result theirs = Peers.qemuImg(arguments.toArray());
            Peers.Result ours = Cli.asQemuImg(arguments.toArray());
            assertEquals(theirs.status(), ours.status(), ours::toString);
            assertEquals(theirs.out(), ours.out(), ours::toString);
            assertEquals(theirs.err(), ours.err(), ours::toString);
        }
    }

    @Test
    void ourOwnNameShowsTheGuestRange() throws IOException {
        Path image = new Base("v3", "cluster_size=64k", "write -P 1 0 64k").make(folder);
        byte[] bytes = Files.readAllBytes(image);
        Arrays.fill(bytes, 0x20000, 0x20000 + 2 * 20, (byte) 0);
        Path broken = Files.write(folder.resolve("uncounted.qcow2"), bytes);
        Peers.Result human = Cli.gaur("check", broken);
        assertTrue(human.err().contains("(guest bytes "), human::toString);
        Peers.Result json = Cli.gaur("check", "--output=json", broken);
        assertTrue(json.out().contains("\"guest-offset\": "), json::toString);
        assertEquals(2, json.status());
    }
}
