package dev.gaur.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table of commands. */
final class Commands {
    /** All names, in the order of the help. */
    static final List<String> NAMES =
            List.of(
                    "info",
                    "map",
                    "help",
                    "bitmap",
                    "check",
                    "compare",
                    "convert",
                    "create",
                    "inspect",
                    "measure",
                    "amend",
                    "bench",
                    "commit",
                    "dd",
                    "io",
                    "nbd",
                    "rebase",
                    "resize",
                    "serve",
                    "snapshot");

    private Commands() {}

    /** Finds a command by its name; loads no other. */
    static @Nullable Command find(String name) {
        return switch (name) {
            case "help" -> new HelpCommand();
            case "amend" -> new AmendCommand();
            case "bench" -> new BenchCommand();
            case "bitmap" -> new BitmapCommand();
            case "check" -> new CheckCommand();
            case "commit" -> new CommitCommand();
            case "compare" -> new CompareCommand();
            case "convert" -> new ConvertCommand();
            case "create" -> new CreateCommand();
            case "dd" -> new DdCommand();
            case "info" -> new InfoCommand();
            case "inspect" -> new InspectCommand();
            case "io" -> new IoCommand();
            case "map" -> new MapCommand();
            case "measure" -> new MeasureCommand();
            case "nbd" -> new NbdCommand();
            case "rebase" -> new RebaseCommand();
            case "resize" -> new ResizeCommand();
            case "serve" -> new ServeCommand();
            case "snapshot" -> new SnapshotCommand();
            default -> null;
        };
    }
}
