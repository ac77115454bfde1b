package dev.gaur.storage.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;

/**
 * Asks Linux who holds a lock. {@code /proc/locks} has all locks on bytes, one a line:
 *
 * <pre>1: OFDLCK ADVISORY  READ -1 fe:00:2154729 201 201</pre>
 *
 * that is a number, the sort, ADVISORY, READ or WRITE, the process (-1 for a lock of an open file,
 * which processes may share), device and inode, first and last byte. {@code /proc/PID/fdinfo/FD}
 * has the same lines after the word {@code lock:}, for the locks of one open file.
 *
 * <p>Devices are not compared: on some file systems {@code stat} tells another one.
 */
final class LockHolders {
    private static final Path PROC = Path.of("/proc");
    private static final String[] NONE = {};
    private static final int SORT = 1;
    private static final int PROCESS = 4;
    private static final int FILE = 5;
    private static final int FIRST = 6;
    private static final int LAST = 7;

    private LockHolders() {}

    /**
     * Looks for locks that are not this process's own.
     *
     * @param lockBytes where
     * @return the first of these bytes that somebody else holds, or -1
     */
    static long heldByOthers(long inode, long[] lockBytes) {
        String self = self();
        String file = ":" + inode + " ";
        List<String[]> locks = new ArrayList<>();
        for (String line : lines(PROC.resolve("locks"))) {
            String[] fields = line.contains(file) ? fields(line) : NONE; // Many are of others.
            if (fields.length > LAST && !isOurs(fields, self)) {
                locks.add(fields);
            }
        }
        for (long lockByte : lockBytes) {
            for (String[] fields : locks) {
                if (isOn(fields, inode, lockByte)) {
                    return lockByte;
                }
            }
        }
        return -1;
    }

    /**
     * This process, as the names in /proc are. (ProcessHandle would start a pool of threads, which
     * a short command notices.)
     */
    private static String self() {
        try {
            return Files.readSymbolicLink(PROC.resolve("self")).toString();
        } catch (IOException _) {
            return ""; // Then there are no locks to be seen either.
        }
    }

    private static String[] fields(String line) {
        StringTokenizer words = new StringTokenizer(line);
        String[] fields = new String[words.countTokens()];
        for (int i = 0; i < fields.length; i++) {
            fields[i] = words.nextToken();
        }
        return fields;
    }

    private static boolean isOurs(String[] fields, String self) {
        return fields[SORT].equals("POSIX") && fields[PROCESS].equals(self);
    }

    private static boolean isOn(String[] fields, long inode, long lockByte) {
        if (fields.length <= LAST || !fields[FILE].endsWith(":" + inode)) {
            return false;
        }
        long last = fields[LAST].equals("EOF") ? Long.MAX_VALUE : Long.parseLong(fields[LAST]);
        return Long.parseLong(fields[FIRST]) <= lockByte && lockByte <= last;
    }

    /**
     * Names a process that holds the byte: {@code Process 4711 (qemu-io)}. This one only if no
     * other does: it may hold what it was about to share.
     *
     * @return empty if none can be found: other users' processes show nothing
     */
    static String describe(long inode, long lockByte) {
        String self = self();
        String found = "";
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path process : processes) {
                boolean isSelf = process.endsWith(self);
                if ((!isSelf || found.isEmpty()) && holds(process, inode, lockByte)) {
                    found = name(process);
                    if (!isSelf) {
                        return found;
                    }
                }
            }
        } catch (IOException _) {
            // No /proc: the refusal stands without a name.
        }
        return found;
    }

    private static String name(Path process) {
        String[] command = lines(process.resolve("comm"));
        return "Process "
                + process.getFileName()
                + (command.length == 0 ? "" : " (" + command[0] + ")");
    }

    private static boolean holds(Path process, long inode, long lockByte) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fdinfo"))) {
            for (Path file : files) {
                for (String line : lines(file)) {
                    if (line.startsWith("lock:")
                            && isOn(fields(line.substring(5)), inode, lockByte)) {
                        return true;
                    }
                }
            }
        } catch (IOException _) {
            // Another user's process, or one that has just ended.
        }
        return false;
    }

    private static String[] lines(Path file) {
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            return text.isEmpty() ? NONE : text.split("\n");
        } catch (IOException _) {
            return NONE;
        }
    }
}
