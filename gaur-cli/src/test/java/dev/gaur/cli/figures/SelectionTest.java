package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private static List<String> chosen(String... words) {
        Selection selection = new Selection(List.of(words), Catalogue.all());
        List<String> names = new ArrayList<>();
        for (Figure figure : Catalogue.all()) {
            for (Pattern pattern : figure.patterns()) {
                for (Variant variant : figure.variants()) {
                    if (selection.has(figure, pattern, variant)) {
                        names.add(figure.key() + "/" + pattern.key() + "/" + variant.key());
                    }
                }
            }
        }
        return names;
    }

    @Test
    void rawComesWithWhateverIsComparedWithIt() {
        assertEquals(
                List.of("cow/4k/raw", "cow/4k/over-raw", "small/1m/raw", "small/1m/qcow2").stream()
                        .sorted()
                        .toList(),
                chosen("cow/4k/over-raw", "small/1m").stream().sorted().toList());
    }

    @Test
    void aStarIsAnyKey() {
        assertEquals(
                List.of("preallocation/64k/raw", "preallocation/64k/falloc"),
                chosen("*/64k/falloc"));
    }

    @Test
    void withoutWordsAllIsChosen() {
        assertEquals(chosen("*"), chosen());
    }

    @Test
    void aWordThatFitsNothingIsRefusedWithAllThereIs() {
        for (String wrong : List.of("cow/4k/nothing", "coww", "cow/4k/raw/4", "")) {
            var refusal = assertThrows(FiguresException.class, () -> chosen(wrong));

            assertTrue(refusal.text().startsWith("there is no case '" + wrong + "'"), wrong);
            assertTrue(refusal.text().contains("\ncliff/{read-4k-random}/{raw,4g-1m,"), wrong);
        }
    }

    @Test
    void everyKeyOfAFigureIsThereOnce() {
        for (Figure figure : Catalogue.all()) {
            List<String> keys = new ArrayList<>();
            figure.variants().forEach(variant -> keys.add(variant.key()));
            figure.patterns().forEach(pattern -> keys.add("p " + pattern.key()));
            Set<String> different = new HashSet<>(keys);

            assertEquals(different.size(), keys.size(), figure.key() + keys);
            assertTrue(figure.variants().getFirst().isRaw(), figure.key());
        }
    }
}
