package dev.gaur.cli;

import dev.gaur.cli.IoVerb.Needs;
import dev.gaur.graph.BlockDevice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Runs commands of {@code gaur io}, one after the other, on the image that is open. For one thread;
 * requests that run beside it are {@link IoAsync}'s.
 */
final class IoShell implements AutoCloseable {
    private static final String PROMPT = "qemu-io> ";

    private final Invocation call;
    private final IoAsync async = new IoAsync();
    private @Nullable IoOpening opening;
    private boolean failed;
    private boolean ended;

    IoShell(Invocation call) {
        this.call = call;
    }

    /** Runs commands that were given as arguments; what they print may wait until the end. */
    void runAll(List<String> commands) {
        for (String command : commands) {
            if (!ended) {
                run(command);
            }
        }
    }

    /** Runs a script; whoever writes it line by line sees a prompt before each. */
    void runScript(InputStream script) {
        var lines = new BufferedReader(new InputStreamReader(script, StandardCharsets.UTF_8));
        try {
            while (!ended) {
                print(PROMPT);
                call.out().flush();
                String line = lines.readLine();
                if (line == null) {
                    return;
                }
                run(line);
            }
        } catch (IOException failure) {
            throw new CommandException("standard input: " + failure.getMessage());
        }
    }

    private void run(String line) {
        List<String> words = new ArrayList<>();
        var tokens = new StringTokenizer(line, " ");
        while (tokens.hasMoreTokens()) {
            words.add(tokens.nextToken());
        }
        if (words.isEmpty()) {
            return;
        }
        try {
            run(words);
        } catch (IoFailure failure) {
            fail();
            if (failure.isForError()) {
                complain(failure.text());
            } else if (!failure.text().isEmpty()) {
                say(failure.text());
            }
        }
    }

    private void run(List<String> words) {
        String name = words.getFirst();
        IoVerb verb = IoVerbs.find(name);
        if (verb == null) {
            throw IoFailure.complained("command \"" + name + "\" not found");
        }
        if (verb.needs() != Needs.NOTHING && opening == null) {
            throw IoFailure.complained("no file open, try 'help open'");
        }
        if (!verb.takes(words.size() - 1)) {
            throw IoFailure.complained(verb.badCount(name, words.size() - 1));
        }
        if (verb.needs() == Needs.WRITABLE && !disk().writable()) {
            throw complaint("Block node is read-only");
        }
        verb.action().run(this, verb, words);
    }

    /** Notes that a command failed; the process will end with exit code 1. */
    void fail() {
        failed = true;
    }

    boolean hasFailed() {
        return failed;
    }

    void quit() {
        ended = true;
    }

    Invocation call() {
        return call;
    }

    IoAsync async() {
        return async;
    }

    /** Returns the open image; commands that need one are not run without. */
    BlockDevice disk() {
        return opening().disk();
    }

    /** Returns the open image with how it was opened. */
    IoOpening opening() {
        if (opening == null) {
            throw new AssertionError("no image is open");
        }
        return opening;
    }

    boolean isOpen() {
        return opening != null;
    }

    void opened(IoOpening newOpening) {
        opening = newOpening;
        newOpening.disk().breakpoints().ifPresent(all -> all.listen(async::tell));
    }

    /** Prints a line. */
    void say(String line) {
        print(line + "\n");
    }

    /** Prints text with the end of its last line. */
    void print(String text) {
        call.out().print(text);
    }

    /** Prints a line on standard error. */
    void complain(String line) {
        call.err().print(line + "\n");
        call.err().flush();
    }

    /** Returns a failure with the program's name before its words. */
    IoFailure complaint(String words) {
        return IoFailure.complained(call.program() + ": " + words);
    }

    /** Waits for the requests that run beside, and prints what they had to say. */
    void drain() {
        async.await();
        printFinished();
    }

    /** Prints what requests that ended had to say. */
    void printFinished() {
        print(async.takeSaid());
    }

    /** Closes the image, once all requests are done. */
    @Override
    public void close() {
        drain();
        IoOpening last = opening;
        opening = null;
        if (last != null) {
            last.disk().close();
        }
    }
}
