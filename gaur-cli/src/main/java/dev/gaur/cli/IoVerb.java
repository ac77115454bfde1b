package dev.gaur.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One command of {@code gaur io}.
 *
 * @param name as it is typed
 * @param alias a shorter name, empty if none
 * @param least how many words follow it at least
 * @param most how many at most, -1 for any number
 * @param arguments what the help shows behind the name
 * @param summary what it does
 * @param needs what must be open
 * @param action what runs it
 */
record IoVerb(
        String name,
        String alias,
        int least,
        int most,
        @Nullable String arguments,
        String summary,
        Needs needs,
        Action action) {
    /** What a command needs to run. */
    enum Needs {
        /** Nothing. */
        NOTHING,
        /** An open image. */
        IMAGE,
        /** An image that is open for writing. */
        WRITABLE
    }

    /** Runs a command. */
    @FunctionalInterface
    interface Action {
        /**
         * @param words the name as typed, and what follows it
         * @throws IoFailure if it failed
         */
        void run(IoShell shell, IoVerb verb, List<String> words);
    }

    /** Returns its line of the help, which is also what a wrong call gets. */
    String line() {
        return name + (arguments == null ? "" : " " + arguments) + " -- " + summary;
    }

    boolean isNamed(String typed) {
        return typed.equals(name) || (!alias.isEmpty() && typed.equals(alias));
    }

    /** Tells how many words are wrong, in qemu-io's words. */
    String badCount(String typed, int count) {
        String expected =
                most < 0
                        ? "at least " + least + " arguments"
                        : least == most
                                ? least + " arguments"
                                : "between " + least + " and " + most + " arguments";
        return "bad argument count " + count + " to " + typed + ", expected " + expected;
    }

    boolean takes(int count) {
        return count >= least && (most < 0 || count <= most);
    }
}
