package dev.gaur.cli;

import dev.gaur.cli.figures.FigureRun;
import dev.gaur.cli.figures.FiguresException;
import dev.gaur.cli.figures.GaurCommands;
import dev.gaur.cli.figures.Report;
import dev.gaur.cli.figures.Settings;
import dev.gaur.cli.figures.Watcher;
import dev.gaur.storage.CacheMode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** {@code gaur bench figures}: redraws the figures of the talk behind Gaur on this machine. */
final class FiguresCommand implements Command {
    private static final Option FOLDER =
            Option.valued("", "folder", "FOLDER", "make images there; the current folder");
    private static final Option TIME =
            Option.valued("", "time", "TIME", "begin nothing after so long: 90s, 5m; 5m");
    private static final Option SIZE =
            Option.valued("", "size", "SIZE", "take up at most so much space; 4G");
    private static final Option ROUNDS =
            Option.valued("", "rounds", "COUNT", "measure all so often if time suffices; 3");
    private static final Option QUICK =
            Option.flag("", "quick", "one round, as little as possible: says little");
    private static final Option CASES =
            Option.valued("", "cases", "CASE,..", "FIGURE[/REQUESTS[/IMAGE]]; * is any; all");
    private static final Option CACHE =
            Option.valued("", "cache", "MODE,..", "writeback, none (O_DIRECT); writeback");
    private static final Option THROUGH =
            Option.valued("", "through", "WAY,..", "api, nbd, qemu; all there are");
    private static final Option JSON =
            Option.valued("", "json", "FILE", "write the figures for programs");
    private static final Option HTML =
            Option.valued("", "html", "FILE", "write a page with charts for a browser");

    private static final long SECONDS_DEFAULT = 300;
    private static final long SPACE_DEFAULT = 4L << 30;
    private static final int ROUNDS_DEFAULT = 3;
    private static final int ROUNDS_MAX = 1000;
    private static final int MINUTE = 60;
    private static final long SECONDS_MAX = 1_000_000;

    @Override
    public String name() {
        return "bench figures";
    }

    @Override
    public String summary() {
        return "measure qcow2 against raw on this machine, and draw the figures";
    }

    @Override
    public String operands() {
        return "";
    }

    @Override
    public String details() {
        return "Measures raw against qcow2 as the talk behind Gaur did: what is there already,\n"
                + "disks larger than the cache of L2 tables, first writes against rewrites,\n"
                + "preallocation. Through Gaur's API; with fio installed also over NBD, beside\n"
                + "qemu-nbd if that is installed. Its files are in a folder of their own, which\n"
                + "is removed in the end, and when a signal ends it.";
    }

    @Override
    public List<Option> options() {
        return List.of(
                FOLDER,
                TIME,
                SIZE,
                ROUNDS,
                QUICK,
                CASES,
                CACHE,
                THROUGH,
                JSON,
                HTML,
                Options.QUIET);
    }

    @Override
    public int run(Invocation call) {
        if (!call.operands().isEmpty()) {
            throw CommandException.usage("Unexpected argument: " + call.operands().getFirst());
        }
        Settings settings = settings(call);
        requireFolder(call, JSON);
        requireFolder(call, HTML);
        Report report = measure(call, settings);
        call.out().print(report.toText());
        write(call, JSON, report.toJson());
        write(call, HTML, report.toHtml());
        return 0;
    }

    private static Report measure(Invocation call, Settings settings) {
        GaurCommands gaur = words -> runQuietly(call, words);
        try (Display display = new Display(call)) {
            return FigureRun.run(settings, gaur, display);
        } catch (FiguresException failure) {
            throw new CommandException(failure.text());
        }
    }

    private static Settings settings(Invocation call) {
        boolean quick = call.has(QUICK);
        int rounds =
                (int) ServeCommand.number(call, ROUNDS, quick ? 1 : ROUNDS_DEFAULT, ROUNDS_MAX);
        if (rounds == 0) {
            throw new CommandException("--rounds must be at least 1");
        }
        long space = call.size(SIZE, "size", quick ? Settings.SPACE_MIN : SPACE_DEFAULT);
        if (space < Settings.SPACE_MIN) {
            throw new CommandException("--size must be at least 128M");
        }
        return new Settings(
                Path.of(call.value(FOLDER, ".")),
                seconds(call.value(TIME, SECONDS_DEFAULT + "s")),
                space,
                rounds,
                quick,
                list(call, CASES, ""),
                list(call, CACHE, "writeback").stream().map(FiguresCommand::cache).toList(),
                Set.copyOf(ways(call)),
                command(call));
    }

    private static List<String> list(Invocation call, Option option, String otherwise) {
        String text = call.value(option, otherwise);
        return text.isEmpty() ? List.of() : List.of(text.split(",", -1));
    }

    private static CacheMode cache(String name) {
        return switch (name) {
            case "writeback" -> CacheMode.WRITEBACK;
            case "none" -> CacheMode.NONE;
            default ->
                    throw new CommandException(
                            "--cache takes writeback and none, not '" + name + "'");
        };
    }

    private static List<String> ways(Invocation call) {
        List<String> ways = list(call, THROUGH, String.join(",", Settings.WAYS));
        for (String way : ways) {
            if (!Settings.WAYS.contains(way)) {
                throw new CommandException(
                        "--through takes "
                                + String.join(", ", Settings.WAYS)
                                + ", not '"
                                + way
                                + "'");
            }
        }
        return ways;
    }

    /** Reads {@code 90}, {@code 90s} or {@code 5m}. */
    private static long seconds(String text) {
        boolean minutes = text.endsWith("m");
        String digits = minutes || text.endsWith("s") ? text.substring(0, text.length() - 1) : text;
        try {
            long number = Long.parseLong(digits);
            if (number >= 0 && number <= SECONDS_MAX) {
                return minutes ? number * MINUTE : number;
            }
        } catch (NumberFormatException _) {
            // Falls through to the refusal.
        }
        throw new CommandException(
                "--time takes seconds (90s) or minutes (5m), not '" + text + "'");
    }

    /** Returns the command as the user gave it. */
    private static String command(Invocation call) {
        StringBuilder text = new StringBuilder("gaur bench figures");
        for (OptionParser.Given given : call.given()) {
            text.append(" --").append(given.option().word());
            if (given.option().takesArgument()) {
                text.append(' ').append(given.value());
            }
        }
        return text.toString();
    }

    /** After minutes of work it would be late to find that there is no place for the result. */
    private static void requireFolder(Invocation call, Option option) {
        if (!call.has(option)) {
            return;
        }
        Path file = Path.of(call.value(option, "")).toAbsolutePath();
        Path folder = file.getParent();
        if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(file)) {
            throw new CommandException("cannot write '" + call.value(option, "") + "'");
        }
    }

    private static void write(Invocation call, Option option, String text) {
        if (!call.has(option)) {
            return;
        }
        String file = call.value(option, "");
        try {
            Files.writeString(Path.of(file), text);
        } catch (IOException failure) {
            throw new CommandException("cannot write '" + file + "': " + failure.getMessage());
        }
    }

    private static void runQuietly(Invocation call, String... words) {
        var said = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(said, false, StandardCharsets.UTF_8);
        if (Main.run(call.program(), words, stream, stream) != 0) {
            throw new FiguresException(
                    String.join(" ", words) + ": " + said.toString(StandardCharsets.UTF_8).strip());
        }
    }

    /** A line on a terminal that says what is being measured. */
    private static final class Display implements Watcher, AutoCloseable {
        private final PrintStream err;
        private final boolean shown;
        private final long start = System.nanoTime();

        Display(Invocation call) {
            err = call.err();
            shown = !call.has(Options.QUIET) && Terminal.is(Terminal.ERROR);
        }

        @Override
        public void at(int done, int total, String what) {
            if (shown) {
                long seconds = (System.nanoTime() - start) / 1_000_000_000;
                String text = done + "/" + total + "  " + seconds + " s  " + what;
                err.print(Terminal.ERASE_LINE + text);
                err.flush();
            }
        }

        @Override
        public void close() {
            if (shown) {
                err.print(Terminal.ERASE_LINE);
                err.flush();
            }
        }
    }
}
