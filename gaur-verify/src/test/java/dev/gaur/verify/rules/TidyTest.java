package dev.gaur.verify.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The sources keep the rules of {@link SourceRules} and {@link TreeRules}. */
class TidyTest {
    private static final Map<String, String> TREE = new TreeMap<>();

    @BeforeAll
    static void readTheTree() {
        for (String name : Repository.files()) {
            TREE.put(name, Repository.read(name));
        }
        assertTrue(TREE.size() > 30, "only " + TREE.size() + " files found");
    }

    @Test
    void everyFileKeepsTheRules() {
        var found = new ArrayList<String>();
        TREE.forEach(
                (name, text) -> {
                    var file = SourceFile.of(name, text);
                    SourceRules.ALL_RULES.forEach(rule -> found.addAll(rule.violations(file)));
                });

        assertNone(found);
    }

    @Test
    void everyPackageSaysWhatItIsFor() {
        assertNone(TreeRules.packagesWithoutInfo(TREE));
    }

    @Test
    void decisionsAreNumberedWithoutGaps() {
        assertTrue(TREE.keySet().stream().anyMatch(file -> file.startsWith("docs/adr/")));
        assertNone(TreeRules.misnumberedDecisions(TREE.keySet()));
    }

    @Test
    void everyFileThatADocumentNamesExists() {
        assertNone(TreeRules.brokenReferences(TREE));
    }

    @Test
    void aPackageWithoutInfoIsReported() {
        var tree =
                Map.of(
                        "gaur-cli/src/main/java/dev/a/A.java", "",
                        "gaur-cli/src/test/java/dev/b/B.java", "",
                        "gaur-cli/src/main/java/dev/b/package-info.java", "/** */ @NullMarked",
                        "gaur-cli/src/main/java/dev/c/package-info.java", "/** Unmarked. */");

        assertEquals(
                List.of(
                        "gaur-cli/dev/a: no package-info with @NullMarked",
                        "gaur-cli/dev/c: no package-info with @NullMarked"),
                TreeRules.packagesWithoutInfo(tree));
    }

    @Test
    void aGapAndADoubleNumberAreReported() {
        assertEquals(
                List.of("docs/adr/0003-c.md: expected number 0002"),
                TreeRules.misnumberedDecisions(
                        List.of("docs/adr/0001-a.md", "docs/adr/0003-c.md")));
        assertEquals(
                List.of("docs/adr/0001-b.md: expected number 0002"),
                TreeRules.misnumberedDecisions(
                        List.of("docs/adr/0001-a.md", "docs/adr/0001-b.md")));
    }

    @Test
    void aNameWithoutAFileIsReported() {
        var tree =
                Map.of(
                        "docs/A.md", "[b](B.md) [c](../gone.md#x) `Here.java` `./verify --long`",
                        "docs/B.md", "`docs/adr/0001-no.md` and `There.java`, not `disk.qcow2`",
                        "src/Here.java", "",
                        "verify", "");

        assertEquals(
                List.of(
                        "docs/A.md: there is no ../gone.md",
                        "docs/B.md: there is no There.java",
                        "docs/B.md: there is no docs/adr/0001-no.md"),
                TreeRules.brokenReferences(new TreeMap<>(tree)));
    }

    private static void assertNone(List<String> violations) {
        assertTrue(violations.isEmpty(), () -> "\n" + String.join("\n", violations) + "\n");
    }
}
