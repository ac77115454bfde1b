package dev.gaur.verify.figures;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Opens pages in headless Chromium, and tells what it has drawn. */
final class Browser {
    /**
     * Run in the page, which has no script of its own: notes what was laid out where, in pixels,
     * and in which colour.
     */
    private static final String SCRIPT =
            """
            <script>
            const said = document.createElement('pre');
            const say = (what, element) => {
                const box = element.getBoundingClientRect();
                const style = getComputedStyle(element);
                said.textContent += [what, box.x, box.y, box.width, box.height, style.fill]
                    .join(' ; ') + ' ;\\n';
            };
            document.querySelectorAll('figure > svg').forEach(chart => {
                say('CHART', chart);
                chart.querySelectorAll('rect.bar').forEach(bar => say('BAR', bar));
                chart.querySelectorAll('path.spread').forEach(line => say('SPREAD', line));
                chart.querySelectorAll('text.label').forEach(label => say('LABEL', label));
            });
            document.querySelectorAll('table').forEach(table => say('TABLE', table));
            document.body.append(said);
            </script>
            """;

    private Browser() {}

    /**
     * Something that was drawn.
     *
     * @param what CHART, BAR, SPREAD, LABEL or TABLE
     * @param fill its colour
     */
    record Drawn(String what, double x, double y, double width, double height, String fill) {
        boolean is(String kind) {
            return what.equals(kind);
        }

        private static Drawn of(MatchResult match) {
            String[] words = match.group().split(" ; ");
            double[] numbers =
                    Arrays.stream(words)
                            .skip(1)
                            .limit(4)
                            .mapToDouble(Double::parseDouble)
                            .toArray();
            return new Drawn(words[0], numbers[0], numbers[1], numbers[2], numbers[3], words[5]);
        }
    }

    /**
     * Opens a page.
     *
     * @param folder for a copy of it
     */
    static List<Drawn> open(Path page, Path folder) throws IOException {
        Path copy = folder.resolve("opened.html");
        Files.writeString(copy, Files.readString(page).replace("</body>", SCRIPT + "</body>"));
        Path profile = Files.createDirectories(folder.resolve("profile"));
        String dom =
                Peers.run(
                                "chromium-headless-shell",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--window-size=1200,900",
                                "--user-data-dir=" + profile,
                                "--dump-dom",
                                copy.toUri())
                        .ok()
                        .out();
        return Pattern.compile("(CHART|BAR|SPREAD|LABEL|TABLE) ; [^\\n]* ;")
                .matcher(dom.substring(dom.lastIndexOf("<pre>")))
                .results()
                .map(Drawn::of)
                .toList();
    }
}
