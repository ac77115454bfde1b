package dev.gaur.verify.rules;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Rules that look at the tree as a whole; a tree is a map from file names to texts. */
final class TreeRules {
    private static final Pattern PACKAGE =
            Pattern.compile("(gaur-\\w+)/src/(?:main|test)/java/(.+)/(\\w+|package-info)\\.java");
    private static final Pattern ADR = Pattern.compile("docs/adr/(\\d{4})-[a-z0-9-]+\\.md");
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:\\s]+)(?:#[^)]*)?\\)");
    private static final Pattern QUOTED_FILE =
            Pattern.compile(
                    "`(?:\\./)?((?:[\\w.-]+/)*[\\w.-]+\\.(?:md|java|sh|xml)"
                            + "|(?:docs|build|gaur-\\w+)(?:/[\\w.-]+)*/?"
                            + "|\\./\\w+)(?: [^`]*)?`");

    private TreeRules() {}

    /** Every package has a package-info.java, which marks it as free of null. */
    static List<String> packagesWithoutInfo(Map<String, String> tree) {
        var packages = new TreeSet<String>();
        var marked = new TreeSet<String>();
        tree.forEach(
                (file, text) -> {
                    var matcher = PACKAGE.matcher(file);
                    if (matcher.matches()) {
                        String name = matcher.group(1) + "/" + matcher.group(2);
                        packages.add(name);
                        if (matcher.group(3).equals("package-info")
                                && text.contains("@NullMarked")
                                && text.contains("/**")) {
                            marked.add(name);
                        }
                    }
                });
        packages.removeAll(marked);
        return packages.stream().map(name -> name + ": no package-info with @NullMarked").toList();
    }

    /** Decisions are numbered 0001, 0002 and so on, each number once. */
    static List<String> misnumberedDecisions(Collection<String> files) {
        var found = new ArrayList<String>();
        int expected = 1;
        for (String file : new TreeSet<>(files)) {
            if (file.startsWith("docs/adr/")) {
                var matcher = ADR.matcher(file);
                if (!matcher.matches() || Integer.parseInt(matcher.group(1)) != expected) {
                    found.add("%s: expected number %04d".formatted(file, expected));
                }
                expected++;
            }
        }
        return found;
    }

    /** What documents link to or name as a file exists. */
    static List<String> brokenReferences(Map<String, String> tree) {
        var found = new ArrayList<String>();
        tree.forEach(
                (file, text) -> {
                    // The history names files that are gone.
                    if (file.endsWith(".md") && !file.equals("CHANGELOG.md")) {
                        for (String name : references(text)) {
                            if (!exists(name, file, tree.keySet())) {
                                found.add(file + ": there is no " + name);
                            }
                        }
                    }
                });
        return found;
    }

    private static Set<String> references(String text) {
        var names = new TreeSet<String>();
        LINK.matcher(text).results().map(TreeRules::name).forEach(names::add);
        QUOTED_FILE.matcher(text).results().map(TreeRules::name).forEach(names::add);
        return names;
    }

    private static String name(MatchResult reference) {
        return reference.group(1).replaceFirst("^\\./", "").replaceFirst("/$", "");
    }

    /** From the document's folder, from the root, or the end of a file's name. */
    private static boolean exists(String name, String document, Set<String> files) {
        String folder = document.substring(0, document.lastIndexOf('/') + 1);
        String path = java.nio.file.Path.of(folder + name).normalize().toString();
        return files.stream()
                .anyMatch(
                        file ->
                                file.equals(path)
                                        || file.startsWith(path + "/")
                                        || file.equals(name)
                                        || file.startsWith(name + "/")
                                        || file.endsWith("/" + name));
    }
}
