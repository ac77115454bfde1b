package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * An image twice, in two folders: what qemu-img does to the one, Gaur does to the other. Both must
 * say the same and come to the same disk and the same snapshots, and both checkers must find
 * nothing.
 */
final class Twins {
    static final String IMAGE = "image.qcow2";
    private static final String BASE = "base";

    private final Path theirs;
    private final Path ours;
    private final String message;
    private final List<String> history = new ArrayList<>();

    private Twins(String name, String message) {
        this.theirs = ImageZoo.workshop("twins-" + name + "/theirs");
        this.ours = ImageZoo.workshop("twins-" + name + "/ours");
        this.message = message;
    }

    /**
     * Makes two equal images.
     *
     * @param backingSize bytes of their backing files, 0 for none
     * @param message for failures: what makes the run again
     */
    static Twins of(String name, Shape shape, long backingSize, String message) {
        Twins twins = new Twins(name, message);
        if (backingSize == 0) {
            ImageZoo.create(twins.theirs, shape);
        } else {
            twins.overlay(shape, backingSize);
        }
        copy(twins.theirs, twins.ours);
        return twins;
    }

    private void overlay(Shape shape, long backingSize) {
        Path base = theirs.resolve(BASE);
        Peers.qemuImg("create", "-q", "-f", "raw", base, backingSize).ok();
        Peer.qemuIo(base, "raw", List.of("write -s words 0 " + backingSize));
        List<String> command = new ArrayList<>(List.of("qemu-img", "create", "-q", "-f", "qcow2"));
        if (!shape.options().isEmpty()) {
            command.addAll(List.of("-o", shape.options()));
        }
        command.addAll(List.of("-b", BASE, "-F", "raw", IMAGE, Long.toString(shape.size())));
        Peer.run(theirs, command).ok();
    }

    private static void copy(Path from, Path to) {
        try (var files = Files.list(from)) {
            for (Path each : files.toList()) {
                Path target = to.resolve(each.getFileName());
                Files.copy(each, target, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Lets qemu-io write to both. */
    void write(List<String> script) {
        history.addAll(script);
        Peer.qemuIo(theirs.resolve(IMAGE), "qcow2", script);
        Peer.qemuIo(ours.resolve(IMAGE), "qcow2", script);
    }

    /** Gives each image to the other program. */
    void swap() {
        history.add("swap");
        try {
            Path aside = theirs.resolve("aside");
            for (String file : List.of(IMAGE, IMAGE + ".data")) {
                if (Files.exists(theirs.resolve(file))) {
                    Files.move(theirs.resolve(file), aside);
                    Files.move(ours.resolve(file), theirs.resolve(file));
                    Files.move(aside, ours.resolve(file));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Runs a command on both, which are called {@link #IMAGE} in their folders.
     *
     * @return the exit code, the same of both
     */
    int both(String... command) {
        history.add(String.join(" ", command));
        List<Object> oursCommand = new ArrayList<>();
        for (String word : command) {
            oursCommand.add(word.equals(IMAGE) ? ours.resolve(IMAGE) : word);
        }
        Peers.Result expected = Peers.qemuImgIn(theirs, (Object[]) command);
        Peers.Result actual = Cli.asQemuImg(oursCommand.toArray());
        assertEquals(text(expected), text(actual), this::message);
        if (expected.status() != 0 && List.of(command).contains("-c")) {
            copy(ours, theirs); // QEMU damages its image when it runs out of counts.
        }
        return expected.status();
    }

    private String message() {
        return message + ": " + String.join("\n", history);
    }

    private String text(Peers.Result result) {
        String all = result.out() + result.err() + result.status();
        return all.replace(ours + "/", "")
                .replaceAll("\\d{4}-\\d\\d-\\d\\d [0-9:]{8}", "DATE")
                .replaceAll("offset 0x[0-9a-f]+ has a refcount of \\d+", "PLACE");
    }

    /** Fails unless both have the same disk and the same snapshots, and nobody finds fault. */
    void assertSame() {
        both("snapshot", "-l", IMAGE);
        for (Path each : List.of(theirs, ours)) {
            check(Peers.qemuImgIn(each, "check", "-f", "qcow2", IMAGE));
            check(Cli.gaur("check", each.resolve(IMAGE)));
        }
        assertSame(List.of());
        for (String id : snapshotIds()) {
            assertSame(List.of("-l", "snapshot.id=" + id));
        }
    }

    /** The same for the disk, or for a snapshot of it. */
    private void assertSame(List<String> options) {
        List<Object> command = new ArrayList<>(List.of("convert", "-O", "raw"));
        command.addAll(options);
        command.addAll(List.of("-f", "qcow2", IMAGE, "raw"));
        Peers.qemuImgIn(theirs, command.toArray()).ok();
        Peers.qemuImgIn(ours, command.toArray()).ok();
        command.set(command.size() - 2, ours.resolve(IMAGE));
        command.set(command.size() - 1, ours.resolve("raw-gaur"));
        Cli.gaur(command.toArray()).ok();
        assertEquals(-1, mismatch("raw"), () -> "read by qemu-img " + options + message());
        assertEquals(-1, mismatch("raw-gaur"), () -> "read by gaur " + options + message());
    }

    private void check(Peers.Result result) {
        if (result.status() != 0) {
            throw new AssertionError(message() + "\n" + result);
        }
    }

    private long mismatch(String oursFile) {
        try {
            return Files.mismatch(theirs.resolve("raw"), ours.resolve(oursFile));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> snapshotIds() {
        return Peers.qemuImgIn(ours, "snapshot", "-l", IMAGE)
                .out()
                .lines()
                .skip(2)
                .map(line -> line.split(" ")[0])
                .toList();
    }
}
