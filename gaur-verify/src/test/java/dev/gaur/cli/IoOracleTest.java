package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Under qemu-io's name, scripts print what they print in qemu-io, and leave the same disk behind.
 * Times differ from run to run and are taken out of both.
 */
class IoOracleTest {
    private static final int RANDOM_COMMANDS = 150;
    private static final int USED = 768 << 10;

    private static final String READS =
            """
            write -P 0x41 0 100
            read -v 0 120
            read -P 0
            read -P 0 1
            read -a 0 512
            read -p 0 512
            read -P 0x41 -s 10 -l 20 0 200
            read -P 0x41 -s 90 -l 20 0 200
            read -P 0x41 -l 100 0 200
            read -P 0x41 -s 100 0 200
            read -s 1 0 10
            read -l 1 0 10
            read -P 1 -s 300 0 200
            read -P 1 -l 300 0 200
            read -P 1 -s 100 -l 150 0 200
            read -P 1 -s x 0 200
            read -P 1 -l x 0 200
            read -P 1 -s -1 0 200
            read 0 512 -v -q
            read -- 0 16
            read -qv 0 16
            read -C 0 1k
            read -P1 0 1
            read -P 0x1ff 0 1
            read -P -1 0 1
            read -P 1k 0 1
            read
            read 0
            read x 1
            read 0 x
            read 1M 1
            read 0 4G
            read 0 -1
            read -1 1
            read -P
            read -Z 0 1
            read 0 0x10
            read 0 1.5
            read 0 1.5k
            read 0 1K
            read 0 1B
            read 0 +1
            read 0 010
            read "0" 1
            read 0 9E
            readv
            readv 0
            readv 0 1k 1k
            readv 0 512 1
            readv -P 3 0 1k
            readv -P 0 0 1k 2k
            readv -v 0 20 20
            readv -q 0 1k
            readv -C 0 1k 1k
            readv 0 x
            readv x 1k
            readv 2M 1k
            readv 0 0
            readv 0 2G 2G
            readv 0 2147483647
            readv 0 2147483136 1
            readv -P 1 -z 0 1
            """;

    private static final String WRITES =
            """
            write
            write 0
            write -z -P 1 0 1k
            write -z -s x 0 1k
            write -u 0 1k
            write -n 0 1k
            write -z 0 1k
            write -z -n 0 64k
            write -zu 64k 64k
            write -c 128k 64k
            write -c -f 0 64k
            write -c -z 0 64k
            write -b -z 0 512
            write -f 0 1k
            write -P 0x41 1000 17
            write -C 0 1k
            write -q 0 1k
            write -s /nonexist 0 1k
            write -s /dev/null 0 1k
            write -s /etc/hostname 3000 1k
            write -P 1 -s /etc/hostname 0 1k
            write 0 0
            write 1M 1
            write 1048575 2
            write -c 1 64k
            write -p 0 1k
            write 0 3G
            write 0 2147483136
            write 0x10 0x10
            write 1.5k 1k
            write 0 1e3
            write 0 1kB
            write -zf 0 1k
            write -r 0 1
             write -q   -q 0 1
            write 9E 1
            write 0 16E
            write -z 0 3G
            writev
            writev 0
            writev 0 1k 1k
            writev 1 513
            writev -P 7 0 1k 512 512
            writev -f 0 1k
            writev -C 0 1k
            writev 0 x
            writev 0 1 2 3
            writev 2M 1k
            discard
            discard 0
            discard 0 64k
            discard 1 64k
            discard 0 3G
            discard -C 0 1k
            discard -q 0 1k
            discard 2M 1
            discard x 1
            discard 1 x
            discard -z 0 1
            discard 0 2M
            """;

    private static final String QUESTIONS =
            """
            foo
            # foo

            length 1
            length
            info
            info 1
            flush
            flush 1
            alloc
            alloc 0
            write -q 64k 64k
            alloc 0 1M
            alloc 0 2M
            alloc 1 1
            alloc 1M
            alloc 2M
            alloc x
            alloc 0 x
            map
            map 1
            sleep
            sleep 1
            sleep x
            sleep 1x
            abort 1
            sigraise
            sigraise x
            sigraise 999
            break
            break a
            break write_aio A
            remove_break A
            resume A
            aio_flush
            aio_flush 1
            truncate
            truncate x
            truncate -m foo 3M
            help foo
            help x y
            help
            close 1
            reopen
            reopen -r
            write 0 1
            reopen -w
            write 0 1
            reopen -r -w
            reopen -c foo
            reopen -c none
            reopen -c writeback
            reopen -x
            reopen x
            reopen -r -o read-only=off
            reopen -o read-only=on
            write 0 1
            reopen -w -c writethrough
            reopen -o cache.direct=on -c none
            reopen -o read-only=off
            write 0 1
            close
            length
            q
            length
            """;

    @TempDir Path folder;

    private Path image(String format, String who) throws IOException {
        Path home = folder.resolve(who);
        Path image = home.resolve("image");
        Files.createDirectories(home);
        Files.deleteIfExists(image);
        Peers.qemuImg("create", "-q", "-f", format, image, "1M").ok();
        return image;
    }

    /** Runs a script through both, and compares what they say. */
    private void compare(String format, String script, String... options) throws IOException {
        Path theirs = image(format, "theirs");
        Path ours = image(format, "ours");
        Path home = folder.resolve("theirs");
        Path ourHome = folder.resolve("ours");
        Peers.Result expected = Peers.runWith(script, home, "qemu-io", with(options));
        Peers.Result actual = Cli.asQemuIo(script, atHome(ourHome, with(options)));

        assertEquals(
                all(expected),
                all(actual).replace(ourHome + "/", ""),
                script + Arrays.toString(options));
        Peers.qemuImg("compare", "-f", format, "-F", format, theirs, ours).ok();
        if (format.equals("qcow2")) {
            Peers.qemuImg("check", ours).ok();
        }
    }

    private static Object[] with(String... options) {
        List<Object> all = new ArrayList<>(List.of(options));
        all.add("image");
        return all.toArray();
    }

    /** Ours runs within this process, whose folder is another. */
    private static Object[] atHome(Path home, Object... arguments) {
        Object[] moved = arguments.clone();
        moved[moved.length - 1] = home.resolve("image");
        return moved;
    }

    private static String all(Peers.Result result) {
        return withoutTimes(result.out()) + "\n" + result.err() + result.status();
    }

    static String withoutTimes(String text) {
        return text.replaceAll("ops; [0-9:.]+( sec)? \\([^)]*\\)", "ops; TIME")
                .replaceAll("(\\d+,1),[0-9:.]+,[0-9.]+,[0-9.]+", "$1,TIME");
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void reads(String format) throws IOException {
        compare(format, READS, "-f", format);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void writes(String format) throws IOException {
        compare(format, WRITES, "-f", format);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void questionsAndMistakes(String format) throws IOException {
        compare(format, QUESTIONS, "-f", format);
    }

    @Test
    void rawImagesChangeTheirSize() throws IOException {
        compare(
                "raw",
                """
                truncate 2M
                length
                truncate -m metadata 3M
                truncate -m falloc 3M
                truncate 1.5M
                length
                truncate 1000
                length
                truncate 1 2
                truncate -m full 1M
                reopen -o offset=512
                length
                reopen -o foo=bar
                length
                """,
                "-f",
                "raw");
    }

    @ParameterizedTest
    @CsvSource({
        "write 0 1k,",
        "write 0 1k, -r",
        "length, -s",
        "write -q 0 1k, -n",
        "length, -t foo",
        "length, -d foo",
        "length, -i foo",
        "length, -k",
        "length, -k -n",
        "length, -i native",
        "write 0 512, -m",
        "length, -C",
        "length, -C -r",
        "length, -U",
        "length, -U -r",
        "length, -T foo",
        "length, --object foo",
        "'write -q 0 64k\\ndiscard 0 64k\\nmap', -d ignore",
        "'write -q 0 64k\\ndiscard 0 64k\\nread -P 0 0 64k', -d unmap -t unsafe"
    })
    void optionsMeanTheSame(String script, String options) throws IOException {
        List<String> all = new ArrayList<>(List.of("-f", "raw"));
        if (options != null) {
            all.addAll(List.of(options.split(" ")));
        }
        compare("raw", script.replace("\\n", "\n") + "\n", all.toArray(String[]::new));
    }

    @Test
    void commandsFromOptionsNeedNoInput() throws IOException {
        compare("raw", "", "-f", "raw", "-c", "write -P 3 0 4k", "-c", "foo", "-c", "read 0 1");
        compare("raw", "", "-f", "raw", "-c", "quit", "-c", "read 0 1");
        compare("raw", "", "-f", "raw", "-c", "quit 1", "-c", "read 0 1");
        compare("raw", "", "-f", "raw", "-c", "help foo");
        compare("raw", "", "-f", "raw", "-c", "close", "--cmd=length");
    }

    @Test
    void requestsBesideTheOthersEndBeforeTheFlushDoes() throws IOException {
        String script = "";
        for (String request :
                List.of(
                        "aio_read 0 1k",
                        "aio_read -P 1 0 1k",
                        "aio_read -v 0 17",
                        "aio_read -q 0 1k",
                        "aio_read -C 0 1k",
                        "aio_write 0 1k 1k",
                        "aio_write -z 0 1k",
                        "aio_write -z -P 1 0 1k",
                        "aio_write -u 0 1k",
                        "aio_write -zu 0 1k",
                        "aio_write -z 0 1k 1k",
                        "aio_write -f 0 1k",
                        "aio_write -i 0 1k",
                        "aio_read -i 0 1k",
                        "aio_write -C 0 1k",
                        "aio_write x 1",
                        "aio_write 1 x",
                        "aio_write -z 1 x",
                        "aio_read -P z 0 1",
                        "aio_read -z 0 1",
                        "aio_read 2M 1",
                        "aio_write 2M 1",
                        "aio_write -z 0 3G")) {
            script += request + "\naio_flush\n";
        }
        for (String format : List.of("raw", "qcow2")) {
            compareWithoutPrompts(format, script);
        }
    }

    /** When a request is done before the next prompt is printed is a matter of time. */
    private void compareWithoutPrompts(String format, String script) throws IOException {
        Path theirs = image(format, "theirs");
        Path ours = image(format, "ours");
        Peers.Result expected =
                Peers.runWith(script, folder.resolve("theirs"), "qemu-io", "-f", format, "image");
        Peers.Result actual = Cli.asQemuIo(script, "-f", format, ours);
        assertEquals(all(expected).replace("qemu-io> ", ""), all(actual).replace("qemu-io> ", ""));
        Peers.qemuImg("compare", theirs, ours).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void randomScriptsLeaveTheSameDisk(String format) throws IOException {
        long seed = Long.getLong("gaur.seed", 20261126L);
        Random random = new Random(seed);
        StringBuilder script = new StringBuilder("# seed " + seed + "\n");
        for (int i = 0; i < RANDOM_COMMANDS; i++) {
            script.append(command(random)).append('\n');
        }
        if (format.equals("qcow2")) { // QEMU has no compressed writes over what is there.
            script.append("write -c -P 5 768k 64k\nwrite -P 6 800k 1k\nwrite -c -P 7 832k 128k\n");
            script.append("read -P 5 768k 32k\nread -P 7 832k 128k\nmap\n");
        }
        compare(format, script.toString(), "-f", format);
    }

    private static String command(Random random) {
        long offset = random.nextInt(USED);
        long length = 1L + random.nextInt(1 << random.nextInt(19));
        String place = offset + " " + Math.min(length, USED - offset);
        return switch (random.nextInt(8)) {
            case 0, 1, 2 -> "write -P " + random.nextInt(256) + " " + place;
            case 3 -> "write -z " + place;
            case 4 -> "write -z -u " + place;
            case 5 -> "writev -P 9 " + (offset >> 1) + " 512 1k 3";
            case 6 -> "read -v " + offset / 2 + " 64";
            default -> "flush";
        };
    }
}
