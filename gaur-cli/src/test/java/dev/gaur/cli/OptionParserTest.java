package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is expected here was found by trying the same on qemu-img, which uses getopt_long. */
class OptionParserTest {
    private static final Option FORMAT = Option.valued("fF", "format", "FMT", "");
    private static final Option SHARED = Option.flag("U", "force-share", "");
    private static final Option OUTPUT = Option.valued("", "output", "FORM", "");
    private static final Option OBJECT = Option.valued("", "object", "DEF", "");
    private static final Option QUIET = Option.flag("q", "", "");
    private static final Option SHOW = Option.optional("p", "progress", "json", "");
    private static final List<Option> OPTIONS =
            List.of(FORMAT, SHARED, OUTPUT, OBJECT, QUIET, SHOW, Options.HELP);

    private static String parse(String... arguments) {
        OptionParser parser = new OptionParser(OPTIONS, "info", arguments, false).parse();
        StringBuilder text = new StringBuilder();
        for (OptionParser.Given given : parser.given()) {
            Option option = given.option();
            String name = option.letters().isEmpty() ? option.word() : option.letters();
            text.append(name.charAt(0)).append('=').append(given.value()).append(' ');
        }
        return text + String.join(",", parser.operands());
    }

    private static String error(String... arguments) {
        var error = assertThrows(CommandException.class, () -> parse(arguments));
        assertTrue(error.isUsage());
        assertEquals(1, error.exitCode());
        return error.text();
    }

    @Test
    void lettersTakeTheirArgumentJoinedOrApart() {
        assertEquals("f=raw f=raw f=raw a", parse("-fraw", "-f", "raw", "-F", "raw", "a"));
    }

    @Test
    void lettersAreBundled() {
        assertEquals("U= q= f=raw a", parse("-Uqfraw", "a"));
        assertEquals("U= f=-q a", parse("-Uf", "-q", "a"));
    }

    @Test
    void wordsTakeTheirArgumentJoinedOrApart() {
        assertEquals(
                "f=raw f=raw f= a", parse("--format=raw", "--format", "raw", "--format=", "a"));
        assertEquals("f=--format ", parse("--format", "--format"));
    }

    @Test
    void uniqueAbbreviationsAreUnderstood() {
        assertEquals("U= o=json f=raw ", parse("--forc", "--ou", "json", "--form=raw"));
    }

    @Test
    void anExactWordWinsOverALongerOne() {
        List<Option> options =
                List.of(Option.flag("1", "backing-chain", ""), Option.flag("2", "backing", ""));
        var parser = new OptionParser(options, "", new String[] {"--backing"}, false).parse();

        assertEquals("2", parser.given().getFirst().option().letters());
    }

    @Test
    void ambiguousAbbreviationsAreRefused() {
        assertEquals("unrecognized option '--o'", error("--o", "json"));
        assertEquals("unrecognized option '--for=raw'", error("--for=raw"));
    }

    @Test
    void operandsMayStandAnywhere() {
        assertEquals("U= f=raw a,-,b", parse("a", "-U", "-", "-f", "raw", "b"));
    }

    @Test
    void afterTwoDashesAllAreOperands() {
        assertEquals("U= a,-f,--,b", parse("a", "-U", "--", "-f", "--", "b"));
    }

    @Test
    void theLastOfAnOptionIsNotSwallowedByTheDashes() {
        assertEquals("f=-- a", parse("-f", "--", "a"));
    }

    @Test
    void unknownOptionsAreNamedAsQemuImgNamesThem() {
        assertEquals("unrecognized option '--bogus'", error("--bogus", "x"));
        assertEquals("unrecognized option '--force-share=3'", error("--force-share=3"));
        assertEquals("unrecognized option '-Z'", error("-Z"));
        assertEquals("unrecognized option '-UZ'", error("-UZ"));
        assertEquals("unrecognized option '-:'", error("-:"));
    }

    @Test
    void whoIsNotGetoptNamesWhatIsWrong() {
        var parser = new OptionParser(OPTIONS, "", new String[] {"-q", "-U=x"}, false);
        var wrong = assertThrows(CommandException.class, parser::parse);
        assertEquals("unrecognized option '-U=x'", wrong.getMessage());
    }

    @Test
    void inATornBundleTheArgumentBeforeIsNamed() {
        assertEquals("unrecognized option 'info'", error("-ZU"));
        assertEquals("unrecognized option 'file'", error("file", "-ZU"));
        assertEquals("unrecognized option '-q'", error("-q", "-ZU"));
        assertEquals("unrecognized option 'raw'", error("-f", "raw", "-ZU"));
        assertEquals("unrecognized option 'file'", error("file", "-q", "-ZU"));
    }

    @Test
    void aMissingArgumentIsReported() {
        assertEquals("missing argument for option '-f'", error("-f"));
        assertEquals("missing argument for option '-Uf'", error("-Uf"));
        assertEquals("missing argument for option '--output'", error("a", "--output"));
        assertEquals("missing argument for option '--ou'", error("--ou"));
    }

    @Test
    void anOptionalArgumentIsTakenOnlyAfterEquals() {
        assertEquals("p=json p= p= q= json", parse("--progress=json", "--progress", "-pq", "json"));
    }

    @Test
    void helpEndsTheParsing() {
        assertEquals("q= h= ", parse("-qhZ", "--bogus"));
        assertEquals("h= ", parse("--help", "--bogus"));
    }

    @Test
    void commandsComeAfterTheStandardOptions() {
        String[] arguments = {"-q", "info", "-U", "--bogus"};
        var parser = new OptionParser(OPTIONS, "gaur", arguments, true).parse();

        assertEquals(List.of("info", "-U", "--bogus"), parser.operands());
    }
}
