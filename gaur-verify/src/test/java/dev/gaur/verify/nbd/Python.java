package dev.gaur.verify.nbd;

import dev.gaur.verify.Peers;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Runs scripts that use python3-libnbd. What they may rely on: {@code connect(uri)} returns a
 * handle that sends what it is told to, however wrong; {@code fails(errno, call)} is for calls that
 * must fail so; {@code args} are the words behind the URI, {@code h} is a connection to it.
 */
final class Python {
    private static final String PRELUDE =
            """
            import errno, os, random, sys
            import nbd

            def connect(uri, contexts=(), prepare=lambda h: None):
                h = nbd.NBD()
                h.set_strict_mode(0)
                h.set_opt_mode(False)
                for context in contexts:
                    h.add_meta_context(context)
                prepare(h)
                h.connect_uri(uri)
                return h

            def fails(number, call):
                try:
                    call()
                except nbd.Error as e:
                    assert e.errnum == number, (e.errnum, number, e.string)
                else:
                    raise AssertionError("must fail with %s" % errno.errorcode[number])

            def extents(h, count, offset, flags=0):
                found = {}
                def seen(context, at, entries, error):
                    assert at == offset, (at, offset)
                    pairs = list(zip(entries[0::2], entries[1::2]))
                    assert context not in found
                    found[context] = pairs
                    return 0
                h.block_status(count, offset, seen, flags=flags)
                return found

            def random_bytes(seed, count):
                return random.Random(seed).randbytes(count)

            def say(*words):
                print(*words, flush=True)

            def hear():
                return sys.stdin.readline().rstrip()

            uri = sys.argv[1]
            args = sys.argv[2:]
            """;

    /** Debian's own, which has the module whatever other Pythons are on the path. */
    private static final String INTERPRETER = "/usr/bin/python3";

    private Python() {}

    /** A script that is under way, and talks to us line by line. */
    static final class Talk implements AutoCloseable {
        private final Process process;
        private final BufferedReader from;
        private final BufferedWriter to;

        private Talk(Process process) {
            this.process = process;
            this.from = process.inputReader();
            this.to = process.outputWriter();
        }

        /** Waits for the line that it prints next. */
        String hear() throws IOException {
            String line = from.readLine();
            if (line == null) {
                throw new AssertionError("the script has ended; its errors are above");
            }
            return line;
        }

        /** Gives it a line to read. */
        void say(String line) throws IOException {
            to.write(line + "\n");
            to.flush();
        }

        /** Waits until it has ended, without an error. */
        void end() throws IOException {
            to.close();
            String rest = from.lines().collect(Collectors.joining("\n"));
            if (process.onExit().join().exitValue() != 0) {
                throw new AssertionError("the script failed; its errors are above " + rest);
            }
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    /**
     * Starts a script that connects itself; {@code say(...)} prints a line, {@code hear()} reads.
     */
    static Talk start(String script, String uri, Object... arguments) throws IOException {
        List<String> words = new ArrayList<>(List.of(INTERPRETER, "-c", PRELUDE + script, uri));
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return new Talk(
                new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    }

    /** Runs a script that has connected to a server; returns what it printed. */
    static String run(String script, String uri, Object... arguments) {
        return runAlone("h = connect(uri)\n" + script + "\nh.shutdown()\n", uri, arguments);
    }

    /** Runs a script that connects itself. */
    static String runAlone(String script, String uri, Object... arguments) {
        List<Object> words = new ArrayList<>(List.of("-c", PRELUDE + script, uri));
        words.addAll(Arrays.asList(arguments));
        Peers.Result result = Peers.run(INTERPRETER, words.toArray());
        if (result.status() != 0) {
            String said = result.err() + result.out();
            throw new AssertionError(said + " with " + Arrays.asList(arguments) + ":\n" + script);
        }
        return result.text();
    }
}
