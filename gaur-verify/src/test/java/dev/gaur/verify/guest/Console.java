package dev.gaur.verify.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A process that reports by lines on its standard output, which the test waits for. */
final class Console implements AutoCloseable {
    /** What nothing takes but what hangs; the machine may be busy. */
    private static final int LIMIT_SECONDS = 300;

    private static final String END = "\0";

    private final String name;
    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final StringBuffer text = new StringBuffer();

    private Console(String name, Process process) {
        this.name = name;
        this.process = process;
        Thread.ofVirtual().start(this::readAll);
    }

    /** Starts a process; what it says on standard error counts, too. */
    static Console start(String name, ProcessBuilder builder) {
        try {
            return new Console(name, builder.redirectErrorStream(true).start());
        } catch (IOException e) {
            throw new AssertionError(name + " cannot be run: install it, as ./verify does", e);
        }
    }

    private void readAll() {
        try (BufferedReader reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                text.append(line).append('\n');
                lines.add(line.strip());
            }
        } catch (IOException _) {
            // The pipe broke with its writer.
        }
        lines.add(END);
    }

    /** Returns the next line that begins so; fails if none comes. */
    String await(String beginning) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        try {
            while (true) {
                String line = lines.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (line == null || line.equals(END) || line.startsWith("FAILED")) {
                    throw failure("no line '" + beginning + "'");
                }
                if (line.startsWith(beginning)) {
                    return line;
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Says a line to the process. */
    void tell(String line) {
        try {
            process.outputWriter().append(line).append('\n').flush();
        } catch (IOException e) {
            throw failure("does not listen: " + e);
        }
    }

    long pid() {
        return process.pid();
    }

    /** Waits for the process to end by itself; returns its exit code. */
    int awaitEnd() {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw failure("goes on");
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Kills the process with SIGKILL and waits until it is gone. */
    void kill() {
        process.toHandle().destroyForcibly();
        awaitEnd();
    }

    AssertionError failure(String what) {
        StringBuilder rest = new StringBuilder();
        for (String line = lines.poll(); line != null; line = lines.poll()) {
            rest.append(line.equals(END) ? "(end)" : "");
        }
        return new AssertionError(name + ": " + what + rest + "; it said:\n" + text);
    }

    @Override
    public void close() {
        kill();
    }
}
