package dev.gaur.cli.figures;

import java.util.List;

/**
 * Which measurements are wanted. A word is {@code FIGURE}, {@code FIGURE/PATTERN} or {@code
 * FIGURE/PATTERN/VARIANT}, each part a key or {@code *}; what any of the words fits is wanted, and
 * raw wherever something else is. Without words all is wanted.
 */
final class Selection {
    private static final String ANY = "*";

    private final List<String[]> words;

    /**
     * Reads words.
     *
     * @throws FiguresException if one fits nothing
     */
    Selection(List<String> texts, List<Figure> figures) {
        words = texts.stream().map(text -> text.split("/", -1)).toList();
        for (int i = 0; i < words.size(); i++) {
            String[] word = words.get(i);
            if (word.length > 3 || figures.stream().noneMatch(figure -> fits(word, figure))) {
                throw new FiguresException(
                        "there is no case '" + texts.get(i) + "'; there are " + names(figures));
            }
        }
    }

    private static String names(List<Figure> figures) {
        StringBuilder text = new StringBuilder();
        for (Figure figure : figures) {
            text.append('\n').append(figure.key()).append("/{");
            text.append(String.join(",", figure.patterns().stream().map(Pattern::key).toList()));
            text.append("}/{");
            text.append(String.join(",", figure.variants().stream().map(Variant::key).toList()));
            text.append('}');
        }
        return text.toString();
    }

    private static boolean fits(String[] word, Figure figure) {
        return figure.patterns().stream()
                .anyMatch(
                        pattern ->
                                figure.variants().stream()
                                        .anyMatch(it -> fits(word, figure, pattern, it)));
    }

    private static boolean fits(String[] word, Figure figure, Pattern pattern, Variant variant) {
        return (part(word, 0).equals(ANY) || part(word, 0).equals(figure.key()))
                && (part(word, 1).equals(ANY) || part(word, 1).equals(pattern.key()))
                && (part(word, 2).equals(ANY) || part(word, 2).equals(variant.key()));
    }

    private static String part(String[] word, int index) {
        return index < word.length ? word[index] : ANY;
    }

    /** Tells whether something is wanted. */
    boolean has(Figure figure, Pattern pattern, Variant variant) {
        if (words.isEmpty()) {
            return true;
        }
        for (String[] word : words) {
            if (fits(word, figure, pattern, variant)) {
                return true;
            }
        }
        return variant.isRaw()
                && figure.variants().stream()
                        .anyMatch(it -> !it.isRaw() && has(figure, pattern, it));
    }
}
