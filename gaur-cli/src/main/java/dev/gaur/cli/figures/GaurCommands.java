package dev.gaur.cli.figures;

/** Runs Gaur's own commands, by which images are made as users make them. */
@FunctionalInterface
public interface GaurCommands {
    /**
     * Runs a command to its end, silently.
     *
     * @param words the command and its arguments
     * @throws FiguresException with what it said, if it failed
     */
    void run(String... words);
}
