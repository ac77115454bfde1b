package dev.gaur.cli;

import dev.gaur.cli.figures.FiguresException;

/** Runs commands within this process, for tests of other packages. */
public final class Commanded {
    private Commanded() {}

    /** Runs one that must not fail. */
    public static void run(String... words) {
        Ran ran = Ran.gaur(words);
        if (ran.status() != 0) {
            throw new FiguresException(ran.err());
        }
    }
}
