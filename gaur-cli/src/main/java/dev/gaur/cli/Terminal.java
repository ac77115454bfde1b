package dev.gaur.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is known of the user's terminal. */
final class Terminal {
    /** Standard error. */
    static final int ERROR = 2;

    /** Goes to the beginning of the line and empties it. */
    static final String ERASE_LINE = "\r\033[K";

    private Terminal() {}

    /** Tells whether a descriptor is a terminal, without the classes of {@code System.console}. */
    static boolean is(int descriptor) {
        try {
            String name = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return name.startsWith("/dev/pts/") || name.startsWith("/dev/tty");
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        }
    }

    /** Returns a text that anybody may have written, so that it does not steer the terminal. */
    static String printable(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            clean.append(Character.isISOControl(c) ? '?' : c);
        }
        return clean.toString();
    }
}
