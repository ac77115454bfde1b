package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockEvent;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What qcow2 tells {@code blkdebug}: where both programs reach a place in the same request, rules
 * have the same effect; and wherever it is, no error makes an image unsound.
 */
class BlkdebugQcow2OracleTest {
    private static final int SIZE = 2 << 20;

    /** Of shared, compressed and backing clusters. */
    private static final String READS =
            """
            read 0 64k
            read 128k 64k
            read 512k 64k
            read 0 4k
            read 128k 4k
            read 512k 4k
            read 1536k 64k
            """;

    /** In place, over a shared cluster, over the backing file twice, into a hole, compressed. */
    private static final String WRITES =
            """
            write -P 4 0 64k
            write -P 5 64k 4k
            write -P 6 256k 4k
            write -P 7 256k 4k
            write -P 9 1536k 4k
            write -c -P 8 384k 64k
            read 64k 64k
            read 256k 64k
            """;

    /** A request of the soundness test; patterns are never 0. */
    private record Op(String flags, int pattern, int offset, int length) {
        String line() {
            String command =
                    switch (flags) {
                        case "discard" -> "discard";
                        case "-z" -> "write -z";
                        default -> "write " + flags + " -P " + pattern;
                    };
            return command + " " + offset + " " + length + "\n";
        }
    }

    private static final List<Op> OPS =
            List.of(
                    new Op("", 4, 0, 65536),
                    new Op("", 5, 65536, 4096),
                    new Op("", 6, 262144, 4096),
                    new Op("", 7, 270336, 4096),
                    new Op("-c", 8, 393216, 65536),
                    new Op("-z", 0, 327680, 65536),
                    new Op("discard", 0, 458752, 65536),
                    new Op("discard", 0, 131072, 65536),
                    new Op("", 9, 1572864, 4096),
                    new Op("", 10, 1966080, 65536));

    @TempDir static Path folder;

    @BeforeAll
    static void makeSeed() {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "raw", "base", "1M").ok();
        Peers.qemuIo(folder.resolve("base"), "raw", "write -P 0x11 0 1M").ok();
        Peers.qemuImgIn(
                        folder, "create", "-q", "-f", "qcow2", "-b", "base", "-F", "raw", "seed",
                        "2M")
                .ok();
        Path seed = folder.resolve("seed");
        Peers.qemuIo(seed, "qcow2", "write -P 1 0 128k", "write -c -P 2 128k 64k").ok();
        Peers.qemuImg("snapshot", "-c", "s", seed).ok();
        Peers.qemuIo(seed, "qcow2", "write -P 3 0 64k").ok();
    }

    /** What a run printed, and what it left. */
    private record Outcome(String text, int status, int check, byte[] disk) {}

    private static Object[] arguments(String prefix, String mode, String rules) {
        String all = rules.isEmpty() ? "" : ",file." + rules.replace(",", ",file.");
        return new Object[] {
            "-t",
            mode,
            "--image-opts",
            "driver=qcow2,file.driver=blkdebug,file.image.filename=" + prefix + "image" + all
        };
    }

    private static void reset() {
        try {
            Path image = folder.resolve("image");
            Files.copy(folder.resolve("seed"), image, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
    }

    private static Outcome theirs(String script, String mode, String rules) {
        reset();
        return outcome(Peers.runWith(script, folder, "qemu-io", arguments("", mode, rules)));
    }

    private static Outcome ours(String script, String mode, String rules) {
        reset();
        return outcome(Cli.asQemuIo(script, arguments(folder + "/", mode, rules)));
    }

    private static Outcome outcome(Peers.Result result) {
        int check = Peers.qemuImgIn(folder, "check", "-q", "image").status();
        return new Outcome(
                IoOracleTest.withoutTimes(result.out().replace("qemu-io> ", "")),
                result.status(),
                check,
                content());
    }

    private static byte[] content() {
        Peers.qemuImgIn(folder, "convert", "-O", "raw", "image", "raw").ok();
        try {
            return Files.readAllBytes(folder.resolve("raw"));
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
    }

    /** Both print and leave the same; what they say when they close is left aside. */
    private static void compare(String script, String mode, String rules) {
        Outcome expected = theirs(script, mode, rules);
        Outcome actual = ours(script, mode, rules);
        assertEquals(expected.text(), actual.text(), rules);
        assertEquals(expected.status(), actual.status(), rules);
        assertEquals(-1, Arrays.mismatch(expected.disk(), actual.disk()), rules);
        assertSound(actual, rules);
    }

    /** Space may be lost, nothing else. */
    private static void assertSound(Outcome outcome, String rules) {
        assertTrue(outcome.check() == 0 || outcome.check() == 3, rules + ": " + outcome.check());
    }

    @Test
    void namesOfEvents() {
        StringBuilder script = new StringBuilder();
        for (BlockEvent each : BlockEvent.values()) {
            script.append("break ").append(each.text()).append(" A\nremove_break A\n");
        }
        compare(script.toString(), "writeback", "");
    }

    @ParameterizedTest
    @CsvSource({
        "l2_load,",
        "l2_load, once=on",
        "l2_load, errno=28",
        "l2_load, iotype=write",
        "read_aio,",
        "read_aio, once=on",
        "read_aio, sector=0",
        "read_backing_aio,",
        "read_compressed, errno=1",
        "read_compressed, once=on"
    })
    void readsThatFail(String event, @Nullable String more) {
        compare(READS, "writeback", rule(event, more));
    }

    private static String rule(String event, @Nullable String more) {
        String rule = "inject-error.0.event=" + event;
        return more == null ? rule : rule + ",inject-error.0." + more;
    }

    @ParameterizedTest
    @CsvSource({
        "l2_load,",
        "l2_load, once=on",
        "l2_update,",
        "l1_update,",
        "l2_alloc_cow_read,",
        "read_aio,",
        "read_aio, once=on",
        "read_compressed,",
        "write_aio,",
        "write_aio, once=on",
        "write_aio, errno=28",
        "write_aio, iotype=read",
        "write_compressed,",
        "cow_read,",
        "cow_read, once=on",
        "cow_write,",
        "cow_write, once=on",
        "refblock_load,",
        "refblock_update_part,",
        "cluster_alloc,",
        "cluster_alloc_bytes,",
        "cluster_alloc_space,",
        "flush_to_os,"
    })
    void writesThatFail(String event, @Nullable String more) {
        compare(WRITES, "writethrough", rule(event, more));
    }

    /** Of what is stable only with the flush, the flush is told. */
    @ParameterizedTest
    @ValueSource(strings = {"flush_to_os", "flush_to_disk", "l2_update", "refblock_update_part"})
    void flushesThatFail(String event) {
        String script = "write -P 5 0 4k\nwrite -P 5 64k 4k\nflush\nread 64k 4k\n";
        Outcome expected = theirs(script, "writeback", rule(event, null));
        Outcome actual = ours(script, "writeback", rule(event, null));
        assertEquals(expected.text(), actual.text());
        assertEquals(expected.status(), actual.status());
        assertSound(actual, event);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "set-state.0.event=l2_load,set-state.0.new_state=2,"
                        + "inject-error.0.event=write_aio,inject-error.0.state=2",
                "set-state.0.event=cow_write,set-state.0.new_state=5,"
                        + "inject-error.0.event=read_aio,inject-error.0.state=5",
                "set-state.0.event=cow_write,set-state.0.state=1,set-state.0.new_state=2,"
                        + "set-state.1.event=cow_write,set-state.1.state=2,"
                        + "set-state.1.new_state=3,"
                        + "inject-error.0.event=write_aio,inject-error.0.state=3,"
                        + "inject-error.0.once=on",
                "set-state.0.event=read_backing_aio,set-state.0.new_state=2,"
                        + "inject-error.0.event=cluster_alloc,inject-error.0.state=2"
            })
    void states(String rules) {
        compare(WRITES, "writethrough", rules);
    }

    @ParameterizedTest
    @ValueSource(strings = {"write_aio", "cow_read", "cow_write", "cluster_alloc"})
    void breakpoints(String event) {
        compare(
                """
                break EVENT A
                aio_write -q -P 5 64k 4k
                wait_break A
                read -P 3 0 4k
                resume A
                aio_flush
                read -P 5 64k 4k
                read -P 1 68k 60k
                break EVENT B
                aio_write -q -P 6 256k 4k
                wait_break B
                remove_break B
                aio_flush
                read -P 6 256k 4k
                read -P 0x11 260k 60k
                """
                        .replace("EVENT", event)
                        .replace("read -P 3 0 4k\n", event.equals("cluster_alloc") ? "" : "\n"),
                "writeback",
                "");
    }

    static Stream<String> everyRule() {
        List<String> rules = new ArrayList<>();
        for (BlockEvent each : BlockEvent.values()) {
            if (each != BlockEvent.NONE) {
                rules.add(rule(each.text(), null));
                rules.add(rule(each.text(), "once=on"));
                rules.add(rule(each.text(), "iotype=flush"));
            }
        }
        return rules.stream();
    }

    /**
     * Whatever failed, each byte is what it was or what was written, and in writethrough mode what
     * succeeded is there. QEMU does not pass: it links a compressed cluster before it writes it.
     */
    @ParameterizedTest
    @MethodSource("everyRule")
    void noErrorMakesAnImageUnsound(String rules) {
        reset();
        byte[] before = content();
        byte[] after = before.clone();
        StringBuilder script = new StringBuilder();
        OPS.forEach(op -> script.append(op.line()));
        Outcome outcome = ours(script.toString(), "writethrough", rules);
        assertSound(outcome, rules);
        List<String> lines = new ArrayList<>();
        for (String line : outcome.text().split("\n", -1)) {
            if (line.contains("failed") || line.contains("bytes at offset")) {
                lines.add(line);
            }
        }
        if (lines.isEmpty()) {
            return; // It could not even be opened.
        }
        assertEquals(OPS.size(), lines.size(), outcome.text());
        for (int i = 0; i < OPS.size(); i++) {
            Op op = OPS.get(i);
            boolean flushed = !op.flags().equals("-c") && !op.flags().equals("discard");
            fill(after, op);
            if (flushed && !lines.get(i).contains("failed")) {
                fill(before, op);
            }
        }
        for (int i = 0; i < SIZE; i++) {
            byte found = outcome.disk()[i];
            assertTrue(found == before[i] || found == after[i], rules + ": at " + i);
        }
    }

    private static void fill(byte[] disk, Op op) {
        Arrays.fill(disk, op.offset(), op.offset() + op.length(), (byte) op.pattern());
    }

    /** The disk has the old size or the new one, and its bytes. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "l1_grow_alloc_table",
                "l1_grow_write_table",
                "l1_grow_activate_table",
                "l1_shrink_write_table",
                "l1_shrink_free_l2_clusters",
                "cluster_alloc",
                "cluster_free",
                "l2_load",
                "refblock_alloc_hookup",
                "refblock_alloc_switch_table",
                "reftable_update"
            })
    void resizingThatFails(String event) {
        Path image = folder.resolve("image");
        for (int size : new int[] {SIZE / 4, SIZE * 8}) {
            Peers.qemuImgIn(
                            folder,
                            "create",
                            "-q",
                            "-f",
                            "qcow2",
                            "-o",
                            "cluster_size=512",
                            "image",
                            SIZE)
                    .ok();
            Peers.qemuIo(image, "qcow2", "write -P 7 0 " + SIZE).ok();
            String script = "truncate " + size + "\nlength\n";
            Cli.asQemuIo(script, arguments(folder + "/", "writeback", rule(event, null)));
            int check = Peers.qemuImgIn(folder, "check", "-q", "image").status();
            assertTrue(check == 0 || check == 3, event + ": " + check);
            byte[] disk = content();
            assertTrue(disk.length == size || disk.length == SIZE, event + ": " + disk.length);
            for (int i = 0; i < disk.length; i++) {
                assertEquals(i < SIZE ? 7 : 0, disk[i], event);
            }
        }
    }

    @Test
    void rulesAndBreakpointsOutliveReopening() {
        compare(
                """
                break write_aio A
                reopen -c none
                aio_write -q -P 5 64k 4k
                wait_break A
                resume A
                aio_flush
                read -P 5 64k 4k
                write 0 4k
                reopen -r
                read 0 4k
                read 512k 4k
                read 512k 4k
                reopen -o file.inject-error.0.event=read_aio
                reopen -o l2-cache-size=1M
                read 512k 4k
                """,
                "writeback",
                "set-state.0.event=cow_write,set-state.0.new_state=2,"
                        + "inject-error.0.event=read_backing_aio,inject-error.0.state=2,"
                        + "inject-error.0.once=on,inject-error.1.event=write_aio,"
                        + "inject-error.1.state=2,inject-error.1.once=on");
    }
}
