package dev.gaur.verify.zoo;

import java.nio.file.Path;
import java.util.List;

/**
 * One image of the zoo. Its file is never changed: tests that damage something work on a copy.
 *
 * @param name for test names; unique
 * @param path the image; what it refers to lies in the same folder
 * @param format QEMU's name of its format
 * @param snapshots ids of its internal snapshots
 * @param alone whether the file refers to no other
 * @param clean whether {@code qemu-img check} is expected to find nothing
 */
public record Exhibit(
        String name,
        Path path,
        String format,
        List<String> snapshots,
        boolean alone,
        boolean clean) {
    /** A clean image without snapshots that refers to nothing. */
    static Exhibit plain(String name, Path path, String format) {
        return new Exhibit(name, path, format, List.of(), true, true);
    }

    Exhibit withSnapshots(String... ids) {
        return new Exhibit(name, path, format, List.of(ids), alone, clean);
    }

    Exhibit referring() {
        return new Exhibit(name, path, format, snapshots, false, clean);
    }

    Exhibit unclean() {
        return new Exhibit(name, path, format, snapshots, alone, false);
    }

    /** Returns the folder that the image and what it refers to lie in. */
    public Path folder() {
        return Peer.folder(path);
    }

    @Override
    public String toString() {
        return name;
    }
}
