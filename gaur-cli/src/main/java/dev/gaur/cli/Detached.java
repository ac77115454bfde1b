package dev.gaur.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/**
 * A server that goes on in the background. The launcher has started this process behind its own
 * back and waits for the end of its output, a pipe: the word it finds there, or none, is its exit
 * code.
 */
final class Detached {
    /** Set by the launcher if it waits. */
    private static final String WAITING = "gaur.fork";

    private static final Set<StandardOpenOption> REPLACE =
            EnumSet.of(
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING);

    private Detached() {}

    /** Refuses to go on in the background if nobody waits. */
    static void requireLauncher() {
        if (!Boolean.getBoolean(WAITING)) {
            throw new CommandException("--fork needs the launcher, the script 'gaur'");
        }
    }

    /** Lets the launcher return: clients may come. What is printed from now on is lost. */
    static void letGo(Invocation call) {
        call.out().print("ready\n");
        call.out().close(); // The JVM puts /dev/null in its place.
        call.err().close();
    }

    /** Writes the number of this process into a file that only its user can read. */
    static void writePid(String file) {
        if (file.isEmpty()) {
            return;
        }
        byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
        var mode =
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try (FileChannel channel = FileChannel.open(Path.of(file), REPLACE, mode)) {
            channel.write(ByteBuffer.wrap(pid));
        } catch (IOException failure) {
            throw new CommandException("Could not create '" + file + "': " + reason(failure));
        }
    }

    private static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException _ -> "No such file or directory";
            case AccessDeniedException _ -> "Permission denied";
            case FileSystemException it when it.getReason() != null -> it.getReason();
            default -> String.valueOf(failure.getMessage());
        };
    }
}
