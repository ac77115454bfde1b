package dev.gaur.verify.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** A package uses lower levels only, and inside the qcow2 package lower does not know upper. */
class LayerTest {
    private static final String ROOT = "dev.gaur";
    private static final String QCOW2 = "dev.gaur.format.qcow2";

    /** Each row is a level; a package may use the rows above its own, and not its neighbours. */
    private static final List<Set<String>> LEVELS =
            List.of(
                    Set.of("mem", "sync", "ffi", "json", "units"),
                    Set.of("block", "codec", "crypto", "net"),
                    Set.of("storage", "bitmap", "nbd"),
                    Set.of("storage.file", "storage.memory", "storage.nbd", "format"),
                    Set.of("format.raw", "format.qcow2", "filter"),
                    Set.of("graph"),
                    Set.of("job", "export"),
                    Set.of(""),
                    Set.of("cli.figures"),
                    Set.of("cli"));

    @Test
    void everyPackageUsesLowerLevelsOnly() {
        var classes = UsedClasses.in(classFolder("gaur-engine"));
        classes.putAll(UsedClasses.in(classFolder("gaur-cli")));

        assertTrue(classes.size() > 20, "only " + classes.size() + " classes found");
        assertEquals(List.of(), violations(classes));
    }

    @Test
    void aPackageThatUsesAnUpperOneIsReported() {
        var classes = Map.of("dev.gaur.block.A", Set.of("dev.gaur.format.B", "dev.gaur.mem.C"));

        assertEquals(
                List.of("dev.gaur.block.A (level 1) uses dev.gaur.format.B (level 3)"),
                violations(classes));
    }

    @Test
    void aPackageThatUsesItsNeighbourIsReported() {
        var classes = Map.of("dev.gaur.mem.A", Set.of("dev.gaur.ffi.B", "dev.gaur.mem.C"));

        assertEquals(
                List.of("dev.gaur.mem.A (level 0) uses dev.gaur.ffi.B (level 0)"),
                violations(classes));
    }

    @Test
    void aPackageWithoutALevelIsReported() {
        var classes = Map.of("dev.gaur.misc.A", Set.<String>of());

        assertEquals(
                List.of("package dev.gaur.misc has no level: put it into LayerTest.LEVELS"),
                violations(classes));
    }

    @Test
    void insideQcow2LowerDoesNotKnowUpper() {
        var order =
                documentedOrder(
                        Repository.read(
                                "gaur-engine/src/main/java/dev/gaur/format/qcow2/"
                                        + "package-info.java"));

        assertTrue(order.size() > 3, "the order is missing in package-info.java: " + order);
        assertEquals(List.of(), orderViolations(order, UsedClasses.in(classFolder("gaur-engine"))));
    }

    @Test
    void aClassThatKnowsAnUpperOneIsReported() {
        var order = documentedOrder("lower may not know upper: {@code A}, {@code B}; {@code C}. ");
        var classes = Map.of(QCOW2 + ".A", Set.of(QCOW2 + ".B", QCOW2 + ".C", "dev.gaur.mem.D"));

        assertEquals(List.of("A (group 0) uses C (group 1)"), orderViolations(order, classes));
    }

    @Test
    void aClassOutsideTheOrderIsReported() {
        var order = documentedOrder("lower may not know upper: {@code A}. ");
        var classes = Map.of(QCOW2 + ".B", Set.<String>of());

        assertEquals(
                List.of("B has no place in the order in package-info.java"),
                orderViolations(order, classes));
    }

    private static Path classFolder(String module) {
        return Repository.root().resolve(module).resolve("target/classes");
    }

    private static List<String> violations(Map<String, Set<String>> classes) {
        var found = new ArrayList<String>();
        classes.forEach(
                (user, uses) -> {
                    int level = level(packageOf(user));
                    if (level < 0) {
                        found.add(
                                "package "
                                        + packageOf(user)
                                        + " has no level: put it into LayerTest.LEVELS");
                        return;
                    }
                    for (String use : uses) {
                        int usedLevel = level(packageOf(use));
                        if (usedLevel >= level && !packageOf(use).equals(packageOf(user))) {
                            found.add(
                                    "%s (level %d) uses %s (level %d)"
                                            .formatted(user, level, use, usedLevel));
                        }
                    }
                });
        return found;
    }

    private static int level(String packageName) {
        String name = packageName.equals(ROOT) ? "" : packageName.substring(ROOT.length() + 1);
        for (int level = 0; level < LEVELS.size(); level++) {
            if (LEVELS.get(level).contains(name)) {
                return level;
            }
        }
        return -1;
    }

    private static String packageOf(String className) {
        return className.substring(0, className.lastIndexOf('.'));
    }

    /** From class to group, as the sentence "lower may not know upper: A, B; C." lists them. */
    private static Map<String, Integer> documentedOrder(String packageInfo) {
        String text = packageInfo.replaceAll("\\s*\\n \\*\\s?", " ");
        var sentence =
                Pattern.compile("lower may not know upper: (.*?)(, which|\\.\\s)").matcher(text);
        var order = new LinkedHashMap<String, Integer>();
        if (sentence.find()) {
            String[] groups = sentence.group(1).split(";");
            for (int group = 0; group < groups.length; group++) {
                var names = Pattern.compile("\\{@\\w+ (\\w+)}").matcher(groups[group]);
                while (names.find()) {
                    order.put(names.group(1), group);
                }
            }
        }
        return order;
    }

    private static List<String> orderViolations(
            Map<String, Integer> order, Map<String, Set<String>> classes) {
        var found = new ArrayList<String>();
        for (String user : inQcow2(classes.keySet())) {
            Integer group = order.get(user);
            if (group == null) {
                found.add(user + " has no place in the order in package-info.java");
                continue;
            }
            for (String use : inQcow2(classes.getOrDefault(QCOW2 + "." + user, Set.of()))) {
                Integer usedGroup = order.get(use);
                if (usedGroup != null && usedGroup > group) {
                    found.add(
                            "%s (group %d) uses %s (group %d)"
                                    .formatted(user, group, use, usedGroup));
                }
            }
        }
        return found;
    }

    private static List<String> inQcow2(Set<String> classNames) {
        return classNames.stream()
                .filter(name -> packageOf(name).equals(QCOW2))
                .map(name -> name.substring(QCOW2.length() + 1))
                .filter(name -> !name.equals("package-info"))
                .sorted()
                .toList();
    }
}
