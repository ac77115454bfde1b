package dev.gaur.verify.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The JSON of a map, made comparable where QEMU says more than Gaur: a reserved place below a
 * subcluster that is not allocated holds nothing, so where it is does not matter.
 */
final class MapLines {
    private static final Pattern LINE =
            Pattern.compile("\\{ \"start\": (\\d+), \"length\": (\\d+), (.*) *\\}.*");
    private static final Pattern PLACE = Pattern.compile(", \"offset\": \\d+");

    private record Line(long start, long length, String rest) {}

    private MapLines() {}

    /** Drops places of what is not present, then joins neighbours that became equal. */
    static List<String> of(String json) {
        List<Line> lines = new ArrayList<>();
        for (String text : json.lines().toList()) {
            Matcher matcher = LINE.matcher(text.replaceFirst("^\\[", ""));
            if (matcher.matches()) {
                String rest = matcher.group(3);
                if (rest.contains("\"present\": false")) {
                    rest = PLACE.matcher(rest).replaceAll("");
                }
                add(
                        lines,
                        Long.parseLong(matcher.group(1)),
                        Long.parseLong(matcher.group(2)),
                        rest);
            }
        }
        return lines.stream().map(Line::toString).toList();
    }

    private static void add(List<Line> lines, long start, long length, String rest) {
        boolean joins =
                !lines.isEmpty()
                        && lines.getLast().rest().equals(rest)
                        && !rest.contains("offset")
                        && lines.getLast().start() + lines.getLast().length() == start;
        if (joins) {
            Line last = lines.removeLast();
            lines.add(new Line(last.start(), last.length() + length, rest));
        } else {
            lines.add(new Line(start, length, rest));
        }
    }
}
