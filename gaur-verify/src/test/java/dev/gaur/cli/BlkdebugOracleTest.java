package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors and breakpoints hit the same requests as in QEMU. */
class BlkdebugOracleTest {
    private static final String REQUESTS =
            """
            read 0 1k
            read 0 1k
            write 0 1k
            write 0 1k
            read 64k 1k
            write -z 0 1k
            discard 0 64k
            flush
            read 0 1k
            """;

    @TempDir Path folder;

    private void compare(String script, String... arguments) throws IOException {
        Object[] theirs = new Object[arguments.length];
        Object[] ours = new Object[arguments.length];
        for (int i = 0; i < arguments.length; i++) {
            theirs[i] = arguments[i].replace("@", "");
            ours[i] = arguments[i].replace("@", folder + "/");
        }
        Path image = folder.resolve("image");
        Files.write(image, new byte[1 << 20]);
        Peers.Result expected = Peers.runWith(script, folder, "qemu-io", theirs);
        byte[] expectedDisk = Files.readAllBytes(image);
        Files.write(image, new byte[1 << 20]);
        Peers.Result actual = Cli.asQemuIo(script, ours);

        assertEquals(all(expected), all(actual).replace(folder + "/", ""));
        assertEquals(-1, Arrays.mismatch(expectedDisk, Files.readAllBytes(image)));
    }

    private static String all(Peers.Result result) {
        // When a request is stopped before the next prompt is printed is a matter of time.
        String out = result.out().replace("qemu-io> ", "");
        return IoOracleTest.withoutTimes(out) + result.err() + result.status();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "inject-error.0.event=read_aio",
                "inject-error.0.event=read_aio,inject-error.0.once=on",
                "inject-error.0.event=write_aio,inject-error.0.errno=28",
                "inject-error.0.event=write_aio,inject-error.0.errno=28,inject-error.0.once=on",
                "inject-error.0.event=none",
                "inject-error.0.event=none,inject-error.0.iotype=write",
                "inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.sector=128",
                "inject-error.0.event=none,inject-error.0.iotype=flush",
                "inject-error.0.event=none,inject-error.0.iotype=discard,inject-error.0.once=on",
                "inject-error.0.event=none,inject-error.0.iotype=write-zeroes",
                "set-state.0.event=read_aio,set-state.0.new_state=2,inject-error.0.event=read_aio,"
                        + "inject-error.0.state=2",
                "set-state.0.event=write_aio,set-state.0.state=1,set-state.0.new_state=5,"
                        + "inject-error.0.event=read_aio,inject-error.0.state=5,"
                        + "inject-error.0.immediately=on",
                "inject-error.0.event=pwritev",
                "inject-error.0.event=pwritev,inject-error.0.once=on",
                "inject-error.0.event=pwritev_done",
                "inject-error.0.event=pwritev_zero,inject-error.0.errno=1"
            })
    void errors(String rules) throws IOException {
        String options =
                "driver=raw,file.driver=blkdebug,file.image.filename=@image,file."
                        + rules.replace(",", ",file.");
        compare(REQUESTS, "--image-opts", options);
    }

    /** QEMU's first stable write raises no event, for nothing was written before it. */
    @Test
    void errorsOfFlushes() throws IOException {
        compare(
                REQUESTS,
                "-t",
                "writeback",
                "--image-opts",
                "driver=raw,file.driver=blkdebug,file.image.filename=@image,"
                        + "file.inject-error.0.event=flush_to_disk");
    }

    @Test
    void rulesFromAFile() throws IOException {
        Files.writeString(
                folder.resolve("rules"),
                """
                [inject-error]
                event = "read_aio"
                errno = "28"
                once = "on"

                # a comment
                [set-state]
                state = "1"
                event = "write_aio"
                new_state = "2"
                [inject-error "named"]
                event = "write_aio"
                state = "2"
                """);
        compare(REQUESTS, "-f", "raw", "blkdebug:@rules:@image");
        compare(
                REQUESTS,
                "--image-opts",
                "driver=raw,file.driver=blkdebug,file.image.filename=@image,file.config=@rules");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\n",
                "event = \"none\"\n",
                "[foo]\na = \"b\"\n",
                "[inject-error]\nfoo = \"1\"\nevent = \"none\"\n",
                "[inject-error]\nevent = none\n",
                "[inject-error]\nevent=\"none\"\n",
                "[inject-error]\nerrno = \"5\"\n",
                "[inject-error]\nevent = \"nope\"\n",
                "[inject-error]\nevent = \"\"\n"
            })
    void filesThatMakeNoSense(String rules) throws IOException {
        Files.writeString(folder.resolve("rules"), rules);
        compare("length\n", "-f", "raw", "blkdebug:@rules:@image");
    }

    @Test
    void breakpoints() throws IOException {
        compare(
                """
                break write_aio A
                aio_write -q 0 1k
                wait_break A
                read -P 0 0 1k
                resume A
                aio_flush
                read -P 0xcd 0 1k
                break foo B
                resume B
                remove_break B
                break read_aio C
                remove_break C
                read 0 1k
                break write_aio D
                break write_aio E
                aio_write -q 4k 1k
                wait_break D
                resume D
                wait_break E
                resume E
                aio_flush
                read -P 0xcd 4k 1k
                break write_aio A
                aio_write -q 8k 1k
                wait_break A
                remove_break A
                aio_flush
                read -P 0xcd 8k 1k
                """,
                "--image-opts",
                "driver=raw,file.driver=blkdebug,file.image.filename=@image");
    }

    @Test
    void whatWasTriedOnceStaysSoWhenTheImageIsOpenedAgain() throws IOException {
        compare(
                """
                break write_aio A
                reopen -c none
                aio_write -q 0 1k
                wait_break A
                resume A
                aio_flush
                break write_aio B
                reopen -c writeback
                remove_break B
                remove_break B
                read 0 1k
                reopen -c none
                read 0 1k
                reopen -r
                read 0 1k
                reopen -w
                read 0 1k
                reopen -o file.inject-error.0.event=write_aio
                reopen -o file.inject-error.0.once=off
                reopen -o file.inject-error.0.once=on
                reopen -o file.inject-error.5.event=read_aio
                reopen -o file.config=x
                read 0 1k
                """,
                "--image-opts",
                "driver=raw,file.driver=blkdebug,file.image.filename=@image,"
                        + "file.inject-error.0.event=read_aio,file.inject-error.0.once=on,"
                        + "file.inject-error.1.event=read_aio,file.inject-error.1.state=2,"
                        + "file.set-state.0.event=write_aio,file.set-state.0.new_state=2");
    }
}
