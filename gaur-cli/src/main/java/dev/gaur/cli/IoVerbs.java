package dev.gaur.cli;

import dev.gaur.cli.IoVerb.Needs;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table of commands of {@code gaur io}; names, arguments and summaries are qemu-io's. */
final class IoVerbs {
    private static final int ANY = -1;

    /** In the order of the help. */
    static final List<IoVerb> ALL =
            List.of(
                    verb(
                            "abort",
                            "",
                            0,
                            0,
                            null,
                            "simulate a program crash using abort(3)",
                            Needs.NOTHING,
                            IoControl::abort),
                    verb(
                            "aio_flush",
                            "",
                            0,
                            0,
                            null,
                            "completes all outstanding aio requests",
                            Needs.IMAGE,
                            IoAsync::flush),
                    verb(
                            "aio_read",
                            "",
                            2,
                            ANY,
                            "[-Ciqv] [-P pattern] off len [len..]",
                            "asynchronously reads a number of bytes",
                            Needs.IMAGE,
                            IoAsync::read),
                    verb(
                            "aio_write",
                            "",
                            2,
                            ANY,
                            "[-Cfiquz] [-P pattern] off len [len..]",
                            "asynchronously writes a number of bytes",
                            Needs.WRITABLE,
                            IoAsync::write),
                    verb(
                            "alloc",
                            "a",
                            1,
                            2,
                            "offset [count]",
                            "checks if offset is allocated in the file",
                            Needs.IMAGE,
                            IoStatus::alloc),
                    verb(
                            "break",
                            "",
                            2,
                            2,
                            "event tag",
                            "sets a breakpoint on event and tags the stopped request as tag",
                            Needs.IMAGE,
                            IoControl::setBreak),
                    verb(
                            "close",
                            "c",
                            0,
                            0,
                            null,
                            "close the current open file",
                            Needs.IMAGE,
                            IoOpening::close),
                    verb(
                            "discard",
                            "d",
                            2,
                            ANY,
                            "[-Cq] off len",
                            "discards a number of bytes at a specified offset",
                            Needs.WRITABLE,
                            IoWrites::discard),
                    verb(
                            "flush",
                            "f",
                            0,
                            0,
                            null,
                            "flush all in-core file state to disk",
                            Needs.IMAGE,
                            IoControl::flush),
                    verb(
                            "help",
                            "?",
                            0,
                            1,
                            "[command]",
                            "help for one or all commands",
                            Needs.NOTHING,
                            IoVerbs::help),
                    verb(
                            "info",
                            "i",
                            0,
                            0,
                            null,
                            "prints information about the current file",
                            Needs.IMAGE,
                            IoStatus::info),
                    verb(
                            "length",
                            "l",
                            0,
                            0,
                            null,
                            "gets the length of the current file",
                            Needs.IMAGE,
                            IoStatus::length),
                    verb(
                            "map",
                            "",
                            0,
                            0,
                            "",
                            "prints the allocated areas of a file",
                            Needs.IMAGE,
                            IoStatus::map),
                    verb(
                            "open",
                            "o",
                            1,
                            ANY,
                            "[-rsCnkU] [-t cache] [-d discard] [-o options] [path]",
                            "open the file specified by path",
                            Needs.NOTHING,
                            IoOpening::open),
                    verb(
                            "quit",
                            "q",
                            0,
                            Integer.MAX_VALUE,
                            null,
                            "exit the program",
                            Needs.NOTHING,
                            (shell, _, _) -> shell.quit()),
                    verb(
                            "read",
                            "r",
                            2,
                            ANY,
                            "[-abCqv] [-P pattern [-s off] [-l len]] off len",
                            "reads a number of bytes at a specified offset",
                            Needs.IMAGE,
                            IoReads::read),
                    verb(
                            "readv",
                            "",
                            2,
                            ANY,
                            "[-Cqv] [-P pattern] off len [len..]",
                            "reads a number of bytes at a specified offset",
                            Needs.IMAGE,
                            IoReads::readv),
                    verb(
                            "remove_break",
                            "",
                            1,
                            1,
                            "tag",
                            "remove a breakpoint by tag",
                            Needs.IMAGE,
                            IoControl::removeBreak),
                    verb(
                            "reopen",
                            "",
                            0,
                            ANY,
                            "[(-r|-w)] [-c cache] [-o options]",
                            "reopens an image with new options",
                            Needs.IMAGE,
                            IoOpening::reopen),
                    verb(
                            "resume",
                            "",
                            1,
                            1,
                            "tag",
                            "resumes the request tagged as tag",
                            Needs.IMAGE,
                            IoControl::resume),
                    verb(
                            "sigraise",
                            "",
                            1,
                            1,
                            "signal",
                            "raises a signal",
                            Needs.NOTHING,
                            IoControl::raise),
                    verb(
                            "sleep",
                            "",
                            1,
                            1,
                            null,
                            "waits for the given value in milliseconds",
                            Needs.NOTHING,
                            IoControl::pause),
                    verb(
                            "truncate",
                            "t",
                            1,
                            3,
                            "[-m prealloc_mode] off",
                            "truncates the current file at the given offset",
                            Needs.WRITABLE,
                            IoWrites::truncate),
                    verb(
                            "wait_break",
                            "",
                            1,
                            1,
                            "tag",
                            "waits for the suspension of a request",
                            Needs.IMAGE,
                            IoControl::waitBreak),
                    verb(
                            "write",
                            "w",
                            2,
                            ANY,
                            "[-bcCfnquz] [-P pattern | -s source_file] off len",
                            "writes a number of bytes at a specified offset",
                            Needs.WRITABLE,
                            IoWrites::write),
                    verb(
                            "writev",
                            "",
                            2,
                            ANY,
                            "[-Cfq] [-P pattern] off len [len..]",
                            "writes a number of bytes at a specified offset",
                            Needs.WRITABLE,
                            IoWrites::writev));

    private IoVerbs() {}

    private static IoVerb verb(
            String name,
            String alias,
            int least,
            int most,
            @Nullable String arguments,
            String summary,
            Needs needs,
            IoVerb.Action action) {
        return new IoVerb(name, alias, least, most, arguments, summary, needs, action);
    }

    static @Nullable IoVerb find(String typed) {
        for (IoVerb verb : ALL) {
            if (verb.isNamed(typed)) {
                return verb;
            }
        }
        return null;
    }

    /** Shows all commands, or one. */
    private static void help(IoShell shell, IoVerb verb, List<String> words) {
        if (words.size() == 1) {
            ALL.forEach(each -> shell.say(each.line()));
            shell.say("\nUse 'help commandname' for extended help.");
            return;
        }
        IoVerb asked = find(words.get(1));
        if (asked == null) {
            throw IoFailure.told("command " + words.get(1) + " not found");
        }
        shell.say(asked.line());
    }
}
