package dev.gaur.cli.figures;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * The folder in which a run has its files, and the processes it has started. When it is closed, or
 * a signal ends the program, none of them is left. Safe for many threads.
 */
final class Workplace implements AutoCloseable {
    private static final String PREFIX = "gaur-figures-";

    /** Files may appear while they are deleted, as long as processes end. */
    private static final int ATTEMPTS = 100;

    /** With less a program's answer may not fit. */
    private static final long SPACE_OF_USE = 64 << 10;

    private final Path folder;
    private final List<Process> processes = new ArrayList<>(); // guarded by this
    private final Thread onExit = new Thread(this::clear, "gaur-figures-end");
    private boolean closed; // guarded by this

    private Workplace(Path folder) {
        this.folder = folder;
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    /**
     * Makes one.
     *
     * @param parent the folder in which it makes its own
     * @param space bytes that will be needed
     */
    static Workplace in(Path parent, long space) {
        if (!Files.isDirectory(parent)) {
            throw new FiguresException("there is no folder '" + parent + "'");
        }
        try {
            FileStore store = Files.getFileStore(parent);
            if (store.getUsableSpace() < space) {
                throw new FiguresException(
                        mebibytes(store.getUsableSpace())
                                + " are free in '"
                                + parent
                                + "', but "
                                + mebibytes(space)
                                + " may be needed: choose another folder with --folder, or less"
                                + " space with --size");
            }
            return new Workplace(Files.createTempDirectory(parent.toRealPath(), PREFIX));
        } catch (IOException failure) {
            throw new FiguresException(
                    "cannot make a folder in '" + parent + "': " + reason(failure), failure);
        }
    }

    private static String mebibytes(long bytes) {
        return (bytes >> 20) + " MiB";
    }

    private static String reason(IOException failure) {
        return failure.getClass().getSimpleName().replace("Exception", "")
                + " "
                + failure.getMessage();
    }

    /** Returns where a file of some name is, or would be. */
    Path file(String name) {
        return folder.resolve(name);
    }

    /** Deletes a file that need not be there. */
    void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /**
     * Starts a program in the folder.
     *
     * @param out where its standard output goes
     * @param err where its errors go
     */
    synchronized Process start(
            List<String> command, ProcessBuilder.Redirect out, ProcessBuilder.Redirect err) {
        if (closed) {
            throw new FiguresException("interrupted");
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.directory(folder.toFile()).redirectInput(new File("/dev/null"));
        builder.redirectOutput(out).redirectError(err);
        builder.environment().put("LC_ALL", "C.UTF-8");
        try {
            Process process = builder.start();
            processes.removeIf(it -> !it.isAlive());
            processes.add(process);
            return process;
        } catch (IOException failure) {
            throw new FiguresException(
                    "cannot start " + command.getFirst() + ": " + failure.getMessage(), failure);
        }
    }

    /** Runs a program to its end, silently, if it is there; does not tell whether it failed. */
    void tryRun(List<String> command) {
        if (Tools.find(command.getFirst()).isPresent()) {
            start(command, ProcessBuilder.Redirect.DISCARD, ProcessBuilder.Redirect.DISCARD)
                    .onExit()
                    .join();
        }
    }

    /**
     * Does work. What fails in it because a signal takes all away is not a failure of the work; and
     * who finds no space, be it another program, need not know it.
     */
    void orInterrupted(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException failure) {
            if (isClosed()) {
                throw new FiguresException("interrupted", failure);
            }
            throw isFull() ? new FiguresException(full(), failure) : failure;
        }
    }

    private String full() {
        return "no space is left in '" + folder.getParent() + "': others may use it, too";
    }

    private boolean isFull() {
        try {
            return Files.getFileStore(folder).getUsableSpace() < SPACE_OF_USE;
        } catch (IOException _) {
            return false;
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        clear();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException _) {
            awaitEnd(); // A signal is ending the program; the hook does the same.
        }
    }

    /** Who goes on would end the process with a status that says nothing of the signal. */
    private static void awaitEnd() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void clear() {
        closed = true;
        processes.forEach(Process::destroyForcibly);
        for (Process process : processes) {
            process.onExit().join();
        }
        for (int i = 0; i < ATTEMPTS && Files.exists(folder); i++) {
            empty();
        }
    }

    private void empty() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(folder);
        } catch (IOException _) {
            // Somebody was making a file meanwhile.
        }
    }
}
