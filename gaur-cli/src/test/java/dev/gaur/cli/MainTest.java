package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MainTest {
    @Test
    void versionGoesToStandardOutput() {
        assertEquals(new Ran(0, "gaur version 0.1.0\n", ""), Ran.gaur("--version"));
        assertEquals(new Ran(0, "gaur version 0.1.0\n", ""), Ran.gaur("-V"));
    }

    @Test
    void underQemusNameTheVersionLineIsWhatScriptsLookFor() {
        Ran ran = Ran.qemuImg("--version");

        assertTrue(ran.out().startsWith("qemu-img version 7.2.22 ("), ran.out());
    }

    @Test
    void withoutCommandItNamesTheHelp() {
        assertEquals(
                new Ran(
                        1,
                        "",
                        "gaur: Not enough arguments\n"
                                + "Try 'gaur --help' for more information\n"),
                Ran.gaur());
        assertEquals(
                "qemu-img: Not enough arguments\nTry 'qemu-img --help' for more information\n",
                Ran.qemuImg().err());
    }

    @Test
    void unknownCommandIsRefused() {
        assertEquals(
                "qemu-img: Command not found: foo\n"
                        + "Try 'qemu-img --help' for more information\n",
                Ran.qemuImg("foo", "--bar").err());
    }

    @Test
    void hintNamesTheCommandUnderOurOwnName() {
        assertEquals(
                "gaur: unrecognized option '--bar'\n"
                        + "Try 'gaur help --help' for more information\n",
                Ran.gaur("help", "--bar").err());
    }

    @Test
    void everyCommandOfTheTableIsFoundUnderItsName() {
        for (String name : Commands.NAMES) {
            Command command = Commands.find(name);
            assertNotNull(command, name);
            assertEquals(name, command.name());
        }
    }

    @Test
    void everyCommandHasHelp() {
        for (String name : Commands.NAMES) {
            Ran ran = Ran.gaur(name, "--help");
            assertEquals(0, ran.status(), name);
            assertTrue(ran.out().startsWith("usage: gaur " + name + " [OPTION]... "), ran.out());
            assertEquals("", ran.err());
            assertEquals(ran, Ran.gaur("help", name));
            assertEquals(ran, Ran.gaur(name, "-h"));
        }
    }

    @Test
    void optionsOfACommandAreUnambiguous() {
        for (String name : Commands.NAMES) {
            Command command = Commands.find(name);
            assertNotNull(command, name);
            StringBuilder letters = new StringBuilder();
            for (Option option : Help.withHelp(command.options())) {
                for (char letter : option.letters().toCharArray()) {
                    assertEquals(-1, letters.indexOf("" + letter), name + " -" + letter);
                    letters.append(letter);
                }
            }
        }
    }

    @Test
    void helpNamesAllCommands() {
        Ran ran = Ran.gaur("--help");

        assertEquals(0, ran.status());
        for (String name : Commands.NAMES) {
            assertTrue(ran.out().contains("\n  " + name + " "), name);
        }
    }

    @Test
    void traceEventsAreWarnedOfAsTheyDoNotExist() {
        assertEquals(
                "qemu-img: warning: trace event 'x' does not exist\n"
                        + "qemu-img: Command not found: foo\n"
                        + "Try 'qemu-img --help' for more information\n",
                Ran.qemuImg("-Tx", "foo").err());
    }
}
