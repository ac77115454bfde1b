package dev.gaur.verify.guest;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * An archive that Linux unpacks as its first file system: cpio in the form "newc", where each file
 * is a header of hexadecimal numbers, its name and its content, each padded to four bytes.
 */
final class Initramfs {
    private static final int DIRECTORY = 0040755;
    private static final int PROGRAM = 0100755;
    private static final int ALIGNMENT = 4;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Set<Path> folders = new HashSet<>();
    private int files;

    /** Adds an empty folder, and those above it. */
    Initramfs folder(String name) {
        Path path = Path.of(name);
        if (path.getParent() != null) {
            folder(path.getParent().toString());
        }
        if (folders.add(path)) {
            add(name, DIRECTORY, new byte[0]);
        }
        return this;
    }

    /** Adds a file that may be run, and the folders above it; no name begins with a slash. */
    Initramfs file(String name, byte[] content) {
        Path parent = Path.of(name).getParent();
        if (parent != null) {
            folder(parent.toString());
        }
        add(name, PROGRAM, content);
        return this;
    }

    /** Adds a text file. */
    Initramfs file(String name, String text) {
        return file(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the whole archive. */
    byte[] archive() {
        add("TRAILER!!!", 0, new byte[0]);
        return out.toByteArray();
    }

    private void add(String name, int mode, byte[] content) {
        byte[] nameBytes = (name + "\0").getBytes(StandardCharsets.UTF_8);
        int number = ++files;
        int[] fields = {number, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, nameBytes.length, 0};
        StringBuilder header = new StringBuilder("070701");
        for (int field : fields) {
            header.append("%08x".formatted(field));
        }
        out.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(nameBytes);
        pad();
        out.writeBytes(content);
        pad();
    }

    private void pad() {
        while (out.size() % ALIGNMENT != 0) {
            out.write(0);
        }
    }
}
