package dev.gaur.verify.check;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Both programs repair copies of the same broken images. Where qemu-img's copy is clean thereafter,
 * so is ours, for both programs, with the same counters and the same data. Where qemu-img gives up
 * or leaves something, ours leaves no more.
 *
 * <p>Deliberate differences:
 *
 * <ul>
 *   <li>QEMU makes the file as long as a refcount table entry that points behind its end wants it,
 *       and then rebuilds all the same; ours drops the entry.
 *   <li>QEMU sets COPIED where a cluster has more references than its count can say, so that the
 *       guest's writes would go through to all; ours does not.
 *   <li>QEMU loads bitmaps as it opens the image and stores them anew; ours leaves them.
 *   <li>Where an image has an autoclear bit that QEMU does not know, its repair drops all
 *       snapshots.
 *   <li>Where a structure is lost, ours keeps what seems leaked.
 *   <li>QEMU repairs nothing where it does not open the image, or where its own guard finds that it
 *       is about to write over metadata; ours repairs what it can.
 * </ul>
 */
class RepairOracleTest {
    private static final int CASES = ImageZoo.LONG ? 400 : 40;

    @TempDir private static Path folder;

    private static Stream<Base> bases() {
        return Base.all(folder);
    }

    /** What a program made of an image. */
    private record Outcome(Path image, Peers.Result result) {
        boolean opened() {
            return !result.err().contains("Could not open");
        }

        long number(String key) {
            return result.out()
                    .lines()
                    .filter(line -> line.contains("\"" + key + "\":"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        }

        /** What qemu-img says of the image thereafter. */
        Outcome recheck() {
            return new Outcome(
                    image, Peers.qemuImg("check", "-f", "qcow2", "--output=json", image));
        }

        long wrong() {
            return number("corruptions") + number("leaks") + number("check-errors");
        }

        @Override
        public String toString() {
            String all = result.status() + " " + result.out() + result.err();
            return all.substring(0, Math.min(all.length(), 1500)) + "\n";
        }
    }

    private static Outcome theirs(Path broken, String mode) throws IOException {
        Path image = copy(broken, "theirs.qcow2");
        return new Outcome(
                image, Peers.qemuImg("check", "-f", "qcow2", "-r", mode, "--output=json", image));
    }

    private static Outcome ours(Path broken, String mode) throws IOException {
        Path image = copy(broken, "ours.qcow2");
        return new Outcome(
                image, Cli.asQemuImg("check", "-f", "qcow2", "-r", mode, "--output=json", image));
    }

    private static Path copy(Path image, String name) throws IOException {
        return Files.write(folder.resolve(name), Files.readAllBytes(image));
    }

    @ParameterizedTest
    @MethodSource("bases")
    void brokenImagesAreRepairedAlike(Base base) throws IOException {
        byte[] sound = Files.readAllBytes(base.make(folder));
        Random random = new Random(ImageZoo.SEED ^ base.name().hashCode() ^ 1);
        Path broken = folder.resolve("broken.qcow2");
        int clean = 0;
        for (int i = 0; i < CASES; i++) {
            Damage damage = new Damage(random, sound.clone());
            Files.write(broken, damage.inflict());
            String mode = i % 4 == 0 ? "leaks" : "all";
            String what = base + " case " + i + ", seed " + ImageZoo.SEED + ", " + mode + damage;
            Outcome theirs = theirs(broken, mode);
            Outcome ours = ours(broken, mode);
            if (theirs.opened() && ours.opened() && !losesSnapshots(broken)) {
                clean += compare(theirs, ours, what + "\n" + theirs + ours) ? 1 : 0;
            }
        }
        assertTrue(clean > 0, base + ": none could be repaired");
    }

    /** QEMU does, when it writes the header ahead of a repair. */
    private static boolean losesSnapshots(Path image) throws IOException {
        ByteBuffer header = ByteBuffer.wrap(Files.readAllBytes(image));
        boolean autoclear = header.getInt(4) >= 3 && (header.getLong(88) & ~2) != 0;
        return autoclear && header.getInt(60) != 0;
    }

    private boolean compare(Outcome theirs, Outcome ours, String what) {
        Outcome mine = ours.recheck();
        if (theirs.result().status() != 0) {
            boolean better = ours.result().status() == 0 && mine.wrong() == 0;
            boolean same = ours.result().status() == theirs.result().status();
            assertTrue(better || same || theirs.result().status() == 1, what);
            Outcome remaining = theirs.recheck();
            if (remaining.opened()
                    && theirs.result().status() != 1
                    && !ours.result().err().contains("overflow")
                    && !what.startsWith("bitmap")) {
                assertTrue(
                        mine.number("corruptions") <= remaining.number("corruptions"),
                        what + mine + remaining);
            }
            return false;
        }
        assertEquals(0, ours.result().status(), what);
        assertEquals(0, mine.result().status(), what + mine);
        Peers.Result cross = Cli.asQemuImg("check", "-f", "qcow2", theirs.image());
        assertEquals(0, cross.status(), what + cross);
        if (!theirs.result().err().contains("is outside image")) {
            for (String key : new String[] {"corruptions-fixed", "leaks-fixed"}) {
                assertEquals(theirs.number(key), ours.number(key), what);
            }
        }
        Peers.Result compared =
                Peers.qemuImg("compare", "-f", "qcow2", "-F", "qcow2", theirs.image, ours.image);
        assertTrue(compared.status() != 1, what + compared); // 2 and up: cannot be read.
        return true;
    }

    /** Any damage to refcounts alone is repaired, and no byte of the guest's has changed. */
    @ParameterizedTest
    @MethodSource("bases")
    void lostCountsCostNoData(Base base) throws IOException {
        byte[] sound = Files.readAllBytes(base.make(folder));
        Random random = new Random(ImageZoo.SEED ^ base.name().hashCode() ^ 2);
        Path broken = folder.resolve("broken.qcow2");
        for (int i = 0; i < CASES; i++) {
            CountDamage damage = new CountDamage(random, sound.clone());
            Files.write(broken, damage.inflict());
            String what = base + " case " + i + ", seed " + ImageZoo.SEED + ":" + damage;
            Outcome ours = ours(broken, "all");
            assertEquals(0, ours.result().status(), what + ours);
            assertEquals(0, ours.recheck().result().status(), () -> what + ours.recheck());
            damage.assertContentUnchanged(Files.readAllBytes(ours.image()), what);
            assertArrayEquals(Content.of(base.make(folder)), Content.of(ours.image()), what);
        }
    }

    /** Debian's qemu-img drops the snapshot of a sound image that has a bitmap, too. */
    @Test
    void snapshotsOfImagesWithBitmapsStay() throws IOException {
        Path image = new Base("both", "cluster_size=64k", "snapshot", "bitmap").make(folder);
        byte[] sound = Files.readAllBytes(image);
        Outcome ours = ours(image, "all");
        assertEquals(0, ours.result().status(), ours::toString);
        assertArrayEquals(sound, Files.readAllBytes(ours.image()));
        sound[94] = 1; // An autoclear bit that nobody knows.
        Outcome unknown = ours(Files.write(folder.resolve("broken.qcow2"), sound), "all");
        Peers.Result list = Peers.qemuImg("snapshot", "-l", unknown.image());
        assertTrue(list.out().contains("one two"), list::out);
    }

    @Test
    void callsThatCannotSucceedEndAlike() throws IOException {
        Path raw = Files.write(folder.resolve("plain.raw"), new byte[1 << 20]);
        Path image = new Base("empty", "cluster_size=64k").make(folder);
        for (List<Object> arguments :
                List.<List<Object>>of(
                        List.of("check", "-f", "raw", "-r", "all", raw),
                        List.of("check", "-r", "all"),
                        List.of("check", "-r", "leaks", folder.resolve("nowhere")),
                        List.of("check", "-r", "foo", image),
                        List.of("check", "-q", "-r", "all", image),
                        List.of("check", "-U", "-r", "all", image))) {
            Peers.Result theirs = Peers.qemuImg(arguments.toArray());
            Peers.Result ours = Cli.asQemuImg(arguments.toArray());
            assertEquals(theirs.status(), ours.status(), ours::toString);
            assertEquals(theirs.out(), ours.out(), ours::toString);
            assertEquals(theirs.err(), ours.err(), ours::toString);
        }
    }

    /** Where nothing differs on purpose, every line is the same. */
    @Test
    void whatIsPrintedIsTheSame() throws IOException {
        Path image = new Base("leaky", "cluster_size=64k", "write -P 1 0 256k").make(folder);
        byte[] bytes = Files.readAllBytes(image);
        bytes[0x20000 + 2 * 6 + 1] = 3; // a leak
        bytes[0x40000] = 0; // a COPIED flag
        Path broken = Files.write(folder.resolve("copy.qcow2"), bytes);
        for (List<String> options :
                List.of(
                        List.of("-r", "leaks"),
                        List.of("-r", "all"),
                        List.of("-r", "all", "--output=json"),
                        List.of("-q", "-r", "all"))) {
            List<Object> arguments = new ArrayList<>(List.of("check"));
            arguments.addAll(options);
            arguments.add(broken);
            Files.write(broken, bytes);
            Peers.Result theirs = Peers.qemuImg(arguments.toArray());
            byte[] repaired = Files.readAllBytes(broken);
            Files.write(broken, bytes);
            Peers.Result ours = Cli.asQemuImg(arguments.toArray());
            assertEquals(theirs.status(), ours.status(), ours::toString);
            assertEquals(theirs.out(), ours.out(), ours::toString);
            assertEquals(theirs.err(), ours.err(), ours::toString);
            assertArrayEquals(repaired, Files.readAllBytes(broken), ours::toString);
        }
    }
}
