package dev.gaur.verify.rules;

import dev.gaur.verify.rules.SourceFile.Item;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * One rule for source files.
 *
 * @param files the files it is for, by name from the root of the tree
 * @param check from a file to its violations, each beginning with the line's number
 */
record Rule(Predicate<String> files, Function<SourceFile, List<String>> check) {
    List<String> violations(SourceFile file) {
        return files.test(file.name())
                ? check.apply(file).stream().map(found -> file.name() + ":" + found).toList()
                : List.of();
    }

    /** No line may contain the pattern. */
    static Rule bannedText(Predicate<String> files, String regex, String instead) {
        var pattern = Pattern.compile(regex);
        return new Rule(
                files,
                file -> {
                    var found = new ArrayList<String>();
                    String[] lines = file.text().split("\n", -1);
                    for (int i = 0; i < lines.length; i++) {
                        var matcher = pattern.matcher(lines[i]);
                        if (matcher.find()) {
                            found.add("%d: %s: %s".formatted(i + 1, matcher.group(), instead));
                        }
                    }
                    return found;
                });
    }

    /** No call, construction, annotation or selected name may match the pattern. */
    static Rule bannedUse(Predicate<String> files, String regex, String instead) {
        var pattern = Pattern.compile(regex, Pattern.DOTALL);
        return new Rule(
                files,
                file ->
                        file.uses().stream()
                                .filter(use -> pattern.matcher(use.text()).matches())
                                .map(use -> "%d: %s".formatted(use.line(), instead))
                                .distinct()
                                .toList());
    }

    /** No type or method may have more lines than the limit. */
    static Rule length(int limit, String what, Function<SourceFile, List<Item>> items) {
        return new Rule(
                _ -> true,
                file ->
                        items.apply(file).stream()
                                .filter(item -> item.lines() > limit)
                                .map(item -> tooLong(item, what, limit))
                                .toList());
    }

    private static String tooLong(Item item, String what, int limit) {
        return "%d: %s %s has %d lines, the limit is %d"
                .formatted(item.line(), what, item.text(), item.lines(), limit);
    }
}
