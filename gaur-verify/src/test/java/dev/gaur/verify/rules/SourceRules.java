package dev.gaur.verify.rules;

import static dev.gaur.verify.rules.Rule.bannedText;
import static dev.gaur.verify.rules.Rule.bannedUse;
import static dev.gaur.verify.rules.Rule.length;

import java.util.List;
import java.util.function.Predicate;

/** All rules that look at one file at a time, each with what to do instead. */
final class SourceRules {
    private static final Predicate<String> ALL = _ -> true;
    private static final Predicate<String> JAVA = file -> file.endsWith(".java");
    private static final Predicate<String> MAIN = file -> file.contains("/src/main/");
    private static final Predicate<String> TESTS = file -> file.contains("/src/test/");
    private static final Predicate<String> PROCESS =
            file -> file.equals("gaur-cli/src/main/java/dev/gaur/cli/Main.java");
    private static final Predicate<String> PRINTS =
            file -> file.startsWith("gaur-cli/src/main/") || file.startsWith("gaur-bench/");
    // The rules' own sources and cases must be able to say what they look for.
    private static final Predicate<String> RULES = file -> file.contains("/dev/gaur/verify/rules/");

    private static final String CALL = "\\s*\\(.*";
    private static final String FRACTION = "\"[^\"]*%[-+ 0#]*[0-9]*(,|(\\.[0-9]+)?[feg])[^\"]*\"";

    static final Rule CLASS_LENGTH = length(500, "class", SourceFile::types);
    static final Rule METHOD_LENGTH = length(50, "method", SourceFile::methods);
    static final Rule LINE_LENGTH = bannedText(JAVA, "^.{101}.*", "longer than 100 columns");

    static final Rule EXIT =
            bannedUse(
                    PROCESS.negate(),
                    "(System\\.exit|Runtime\\.getRuntime\\(\\)\\.(halt|exit))" + CALL,
                    "only Main ends the process: return a status to it");
    static final Rule PRINT =
            bannedUse(
                    PRINTS.negate(),
                    "System\\.(out|err)",
                    "only commands print: throw an exception, or put it into the result");
    static final Rule STACK_TRACE =
            bannedUse(
                    PROCESS.negate(),
                    "([^\"]*\\.)?printStackTrace" + CALL,
                    "throw, or pass the cause to a new one");
    static final Rule SLEEP =
            bannedUse(
                    ALL,
                    "(Thread\\.sleep|(TimeUnit\\.)?[A-Z]+\\.sleep)" + CALL,
                    "wait for the event itself, with a latch, a join or a read");
    static final Rule RANDOM =
            bannedText(
                    TESTS.and(RULES.negate()),
                    "new (Splittable)?Random\\(\\)(?!\\.nextLong\\(\\))"
                            + "|ThreadLocalRandom\\.current|Math\\.random",
                    "draw a seed (new Random().nextLong()), and print it when the test fails");
    static final Rule DIRECT_BUFFER =
            bannedUse(
                    MAIN,
                    "(ByteBuffer\\.)?allocateDirect" + CALL,
                    "lease from BufferPool, or allocate in an Arena that is closed");
    static final Rule LOCALE =
            bannedUse(
                    MAIN.and(file -> !file.startsWith("gaur-bench/")),
                    FRACTION + "\\.formatted\\(.*|([^\"]*\\.)?(format|printf)\\(" + FRACTION + ".*",
                    "fractions and groups depend on the country: String.format(Locale.ROOT, ...)");
    static final Rule SKIPPED_TEST =
            bannedUse(
                    ALL,
                    "@(Disabled|Ignore|EnabledIf|EnabledOn|EnabledFor|DisabledIf|DisabledOn).*"
                            + "|([^\"]*\\.)?(assumeTrue|assumeFalse|assumingThat|abort)"
                            + CALL
                            + "|new TestAbortedException.*",
                    "a test that cannot run fails; long ones have @Tag(\"long\")");
    static final Rule LATER =
            bannedText(
                    RULES.negate(),
                    "\\b(TODO|FIXME|XXX)\\b",
                    "do it now, or throw Unsupported and open an issue");
    static final Rule MACHINE =
            bannedText(
                    RULES.negate(),
                    "(?<![\\w.-])/(work|root|farm)/"
                            + "|https?://(?!maven\\.apache\\.org/(POM|xsd|SETTINGS))[^/ ]*"
                            + "(maven|npmjs|debian|pypi|crates|proxy\\.golang)[^/ ]*/",
                    "a path or a host of one machine; the tree must build anywhere");

    static final List<Rule> ALL_RULES =
            List.of(
                    CLASS_LENGTH,
                    METHOD_LENGTH,
                    LINE_LENGTH,
                    EXIT,
                    PRINT,
                    STACK_TRACE,
                    SLEEP,
                    RANDOM,
                    DIRECT_BUFFER,
                    LOCALE,
                    SKIPPED_TEST,
                    LATER,
                    MACHINE);

    private SourceRules() {}
}
