package dev.gaur.cli;

import java.util.ArrayList;
import java.util.List;

/** Words of getopt_long(3) for wrong options, to which some programs leave them. */
final class Getopt {
    private static final String UNKNOWN = "unrecognized option '-";
    private static final String MISSING = "missing argument for option '-";

    private Getopt() {}

    /**
     * Returns getopt's words for what {@link OptionParser} says; any other text as it is.
     *
     * @param options those that the program has
     */
    static String text(String text, List<Option> options) {
        boolean oneLetter = text.endsWith("'") && text.indexOf("'-") == text.length() - 4;
        if (text.startsWith(UNKNOWN + "-") && text.endsWith("'")) {
            return word(text, text.substring(UNKNOWN.length() + 1, text.length() - 1), options);
        }
        if (text.startsWith(UNKNOWN) && oneLetter) {
            return "invalid option -- '" + text.substring(text.length() - 2);
        }
        if (text.startsWith(MISSING)) {
            return oneLetter
                    ? "option requires an argument -- '" + text.substring(text.length() - 2)
                    : "option " + text.substring(MISSING.length() - 2) + " requires an argument";
        }
        return text;
    }

    private static String word(String text, String given, List<Option> options) {
        int equals = given.indexOf('=');
        String name = equals < 0 ? given : given.substring(0, equals);
        List<String> possible = new ArrayList<>();
        for (Option option : options) {
            if (!option.word().isEmpty() && option.word().startsWith(name)) {
                possible.add("'--" + option.word() + "'");
            }
        }
        boolean whole = possible.contains("'--" + name + "'");
        if (possible.size() > 1 && !whole) {
            return "option '--"
                    + given
                    + "' is ambiguous; possibilities: "
                    + String.join(" ", possible);
        }
        return equals >= 0 && !possible.isEmpty()
                ? "option '--"
                        + (whole ? name : possible.getFirst())
                        + "' doesn't allow an argument"
                : text;
    }
}
