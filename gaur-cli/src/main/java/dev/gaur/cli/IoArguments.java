package dev.gaur.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * The words of one command of {@code gaur io}, taken apart as getopt(3) does: letters before, after
 * and between the operands, arguments joined or apart, {@code --} before operands that look like
 * options. For one thread.
 */
final class IoArguments {
    /** A letter that was given, and its argument, empty if it has none. */
    record Given(char letter, String value) {}

    private final List<Given> given = new ArrayList<>();
    private final List<String> operands = new ArrayList<>();
    private final IoShell shell;
    private final IoVerb verb;

    private IoArguments(IoShell shell, IoVerb verb) {
        this.shell = shell;
        this.verb = verb;
    }

    /**
     * Takes words apart.
     *
     * @param words the name of the command, as typed, and what follows it
     * @param letters all letters, with a colon behind those that take an argument
     * @throws IoFailure if one is unknown or lacks its argument
     */
    static IoArguments parse(IoShell shell, IoVerb verb, List<String> words, String letters) {
        IoArguments found = new IoArguments(shell, verb);
        boolean onlyOperands = false;
        for (int i = 1; i < words.size(); i++) {
            String word = words.get(i);
            if (onlyOperands || word.length() < 2 || word.charAt(0) != '-') {
                found.operands.add(word);
            } else if (word.equals("--")) {
                onlyOperands = true;
            } else if (found.bundle(words, i, letters)) {
                i++;
            }
        }
        return found;
    }

    /** Takes a word of letters; returns whether the next word is the last one's argument. */
    private boolean bundle(List<String> words, int index, String letters) {
        String word = words.get(index);
        for (int i = 1; i < word.length(); i++) {
            char letter = word.charAt(i);
            int known = letter == ':' ? -1 : letters.indexOf(letter);
            if (known < 0) {
                shell.complain(words.getFirst() + ": invalid option -- '" + letter + "'");
                throw usage();
            }
            boolean valued = known + 1 < letters.length() && letters.charAt(known + 1) == ':';
            if (!valued) {
                given.add(new Given(letter, ""));
            } else if (i + 1 < word.length()) {
                given.add(new Given(letter, word.substring(i + 1)));
                return false;
            } else if (index + 1 < words.size()) {
                given.add(new Given(letter, words.get(index + 1)));
                return true;
            } else {
                shell.complain(
                        words.getFirst() + ": option requires an argument -- '" + letter + "'");
                throw usage();
            }
        }
        return false;
    }

    /** Returns what ends a command that was not called as it must be: its line of the help. */
    IoFailure usage() {
        return IoFailure.told(verb.line());
    }

    boolean has(char letter) {
        return given.stream().anyMatch(each -> each.letter == letter);
    }

    /** Returns the last argument of a letter, empty if it was not given. */
    String value(char letter) {
        String value = "";
        for (Given each : given) {
            value = each.letter == letter ? each.value : value;
        }
        return value;
    }

    /** Returns the letters in the order they were given. */
    List<Given> given() {
        return given;
    }

    /** Returns the operands, of which there must be so many. */
    List<String> operands(int atLeast, int atMost) {
        if (operands.size() < atLeast || operands.size() > atMost) {
            throw usage();
        }
        return operands;
    }
}
