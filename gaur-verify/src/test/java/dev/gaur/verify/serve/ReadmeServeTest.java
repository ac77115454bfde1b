package dev.gaur.verify.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** README.md's first command does what it says, and so do the commands that use it. */
class ReadmeServeTest {
    private static final Pattern FIRST = Pattern.compile("(?s)```sh\n\\./gaur (\\w+) .*?```");
    private static final Pattern SESSION = Pattern.compile("(?s)```console\n(.*?)```");

    @TempDir Path folder;

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", Server.GAUR, "--version").ok();
    }

    private static String found(Pattern pattern) {
        Matcher matcher = pattern.matcher(Repository.read("README.md"));
        assertTrue(matcher.find(), pattern.toString());
        return matcher.group(1);
    }

    @Test
    void theFirstCommandAndItsUse() throws Exception {
        assertEquals("serve", found(FIRST));
        try (Server server = Server.serve(folder)) {
            int commands = 0;
            String output = "";
            for (String line : found(SESSION).lines().toList()) {
                if (line.startsWith("$ ")) {
                    List<String> shell = List.of("sh", "-c", line.substring(2));
                    output = Peers.runIn(folder, shell).ok().out();
                    commands++;
                } else {
                    assertTrue(output.contains(line), line + " in " + output);
                }
            }
            assertEquals(3, commands);
            server.end("TERM").ok();
        }
        assertEquals(10L << 30, Files.size(folder.resolve("copy.raw")));
        Object[] read = {"-f", "raw", "-c", "read -P 7 1M 64k", folder.resolve("copy.raw")};
        String out = Peers.run("qemu-io", read).ok().out();
        assertTrue(!out.contains("Pattern verification failed"), out);
        Peers.qemuImg("check", folder.resolve("disk.qcow2")).ok();
    }
}
