package dev.gaur.verify.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each rule fires where it should, and only there. */
class SourceRulesTest {
    private static final String ENGINE = "gaur-engine/src/main/java/dev/gaur/block/A.java";
    private static final String TEST = "gaur-engine/src/test/java/dev/gaur/block/ATest.java";
    private static final String MAIN = "gaur-cli/src/main/java/dev/gaur/cli/Main.java";
    private static final String COMMAND = "gaur-cli/src/main/java/dev/gaur/cli/A.java";

    static Stream<Arguments> broken() {
        return Stream.of(
                broken(SourceRules.CLASS_LENGTH, ENGINE, "class A {\n" + "\n".repeat(499) + "}"),
                broken(SourceRules.METHOD_LENGTH, TEST, inMethod("\n".repeat(50))),
                broken(SourceRules.LINE_LENGTH, ENGINE, "// " + "x".repeat(98)),
                broken(SourceRules.EXIT, COMMAND, inMethod("System.exit(1);")),
                broken(SourceRules.EXIT, ENGINE, inMethod("Runtime.getRuntime().halt(1);")),
                broken(SourceRules.PRINT, ENGINE, inMethod("System.err.println(1);")),
                broken(SourceRules.PRINT, TEST, inMethod("var out = System.out;")),
                broken(SourceRules.STACK_TRACE, COMMAND, inMethod("e.printStackTrace();")),
                broken(SourceRules.SLEEP, TEST, inMethod("Thread.sleep(10);")),
                broken(SourceRules.SLEEP, TEST, inMethod("TimeUnit.SECONDS.sleep(1);")),
                broken(SourceRules.RANDOM, TEST, inMethod("new Random().nextInt();")),
                broken(SourceRules.RANDOM, TEST, inMethod("ThreadLocalRandom.current();")),
                broken(
                        SourceRules.DIRECT_BUFFER,
                        ENGINE,
                        inMethod("ByteBuffer.allocateDirect(1);")),
                broken(SourceRules.LOCALE, ENGINE, inMethod("String.format(\"%.1f\", 1.0);")),
                broken(SourceRules.LOCALE, COMMAND, inMethod("\"%5.2f x\".formatted(1.0);")),
                broken(SourceRules.LOCALE, COMMAND, inMethod("out.printf(\"%,d\", 1);")),
                broken(SourceRules.SKIPPED_TEST, TEST, "class A { @Disabled void a() {} }"),
                broken(SourceRules.SKIPPED_TEST, TEST, inMethod("assumeTrue(false);")),
                broken(SourceRules.SKIPPED_TEST, TEST, inMethod("Assumptions.abort();")),
                broken(SourceRules.LATER, ENGINE, "// TODO later"),
                broken(SourceRules.LATER, "docs/A.md", "FIXME"),
                broken(SourceRules.MACHINE, "verify", "cp a /work/b"),
                broken(SourceRules.MACHINE, "pom.xml", "<url>https://registry.npmjs.org/a</url>"));
    }

    static Stream<Arguments> kept() {
        return Stream.of(
                kept(SourceRules.CLASS_LENGTH, ENGINE, "class A {\n" + "\n".repeat(498) + "}"),
                kept(SourceRules.METHOD_LENGTH, ENGINE, inMethod("\n".repeat(48))),
                kept(
                        SourceRules.METHOD_LENGTH,
                        TEST,
                        "class A { @B({" + "\n".repeat(50) + "}) void a() {}}"),
                kept(SourceRules.LINE_LENGTH, ENGINE, "// " + "x".repeat(97)),
                kept(SourceRules.EXIT, MAIN, inMethod("System.exit(1);")),
                kept(SourceRules.EXIT, ENGINE, inMethod("// System.exit(1);\n")),
                kept(SourceRules.PRINT, COMMAND, inMethod("System.out.print(1);")),
                kept(SourceRules.PRINT, ENGINE, inMethod("String s = \"System.err\";")),
                kept(SourceRules.RANDOM, TEST, inMethod("new Random(seed).nextInt();")),
                kept(SourceRules.RANDOM, TEST, inMethod("long seed = new Random().nextLong();")),
                kept(SourceRules.LOCALE, ENGINE, inMethod("\"%d %s\".formatted(1, 2);")),
                kept(
                        SourceRules.LOCALE,
                        ENGINE,
                        inMethod("String.format(Locale.ROOT, \"%.1f\", 1.0);")),
                kept(SourceRules.MACHINE, "a.md", "https://maven.apache.org/xsd/ and docs/work/"));
    }

    @ParameterizedTest
    @MethodSource("broken")
    void theRuleFires(Rule rule, String file, String text) {
        assertEquals(1, rule.violations(SourceFile.of(file, text)).size(), text);
    }

    @ParameterizedTest
    @MethodSource("kept")
    void theRuleIsSilent(Rule rule, String file, String text) {
        assertEquals(List.of(), rule.violations(SourceFile.of(file, text)), text);
    }

    @Test
    void everyRuleHasACaseThatBreaksIt() {
        var rules = broken().map(arguments -> arguments.get()[0]).distinct().toList();

        assertEquals(SourceRules.ALL_RULES, rules);
    }

    @Test
    void aViolationNamesFileLineAndReplacement() {
        var file = SourceFile.of(ENGINE, "class A {\n    void a() { System.exit(1); }\n}\n");

        assertEquals(
                List.of(ENGINE + ":2: only Main ends the process: return a status to it"),
                SourceRules.EXIT.violations(file));
    }

    private static String inMethod(String code) {
        return "class A {\n    void a() {" + code + "}\n}\n";
    }

    private static Arguments broken(Rule rule, String file, String text) {
        return Arguments.of(rule, file, text);
    }

    private static Arguments kept(Rule rule, String file, String text) {
        return Arguments.of(rule, file, text);
    }
}
