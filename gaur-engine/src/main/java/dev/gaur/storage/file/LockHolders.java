package dev.gaur.storage.file;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

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
        String self = Long.toString(ProcessHandle.current().pid());
        String file = ":" + inode + " ";
        List<String[]> locks =
                lines(PROC.resolve("locks")).stream()
                        .filter(line -> line.contains(file)) // There may be very many of others.
                        .map(line -> line.trim().split(" +"))
                        .filter(fields -> !isOurs(fields, self))
                        .toList();
        for (long lockByte : lockBytes) {
            if (locks.stream().anyMatch(fields -> isOn(fields, inode, lockByte))) {
                return lockByte;
            }
        }
        return -1;
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
        String self = Long.toString(ProcessHandle.current().pid());
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
        List<String> command = lines(process.resolve("comm"));
        return "Process "
                + process.getFileName()
                + (command.isEmpty() ? "" : " (" + command.getFirst() + ")");
    }

    private static boolean holds(Path process, long inode, long lockByte) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fdinfo"))) {
            for (Path file : files) {
                for (String line : lines(file)) {
                    if (line.startsWith("lock:")
                            && isOn(line.substring(5).trim().split(" +"), inode, lockByte)) {
                        return true;
                    }
                }
            }
        } catch (IOException _) {
            // Another user's process, or one that has just ended.
        }
        return false;
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException _) {
            return List.of();
        }
    }
}
