package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.cli.Cli;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.graph.OptionTree;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Refcounts are lazy when the user says so; QEMU sees it, and repairs what a crash leaves. */
class LazyRefcountsTest {
    private static final int CLUSTER = 1 << 16;

    @TempDir Path folder;

    private Path create(String name, String lazy) {
        Path image = folder.resolve(name);
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=" + lazy, image, "8M")
                .ok();
        return image;
    }

    private static boolean isDirty(Path image) {
        String info = Peers.qemuImg("info", "-U", "--output=json", image).ok().out();
        return info.contains("\"dirty-flag\": true");
    }

    @ParameterizedTest
    @CsvSource({"off, '', false", "off, on, true", "on, '', true", "on, off, false"})
    void qemuRepairsWhatACrashLeaves(String asMade, String option, boolean lazy)
            throws IOException {
        Path image = create("image", asMade);
        Path crashed = folder.resolve("crashed");
        OptionTree options =
                OptionTree.ofOptions(option.isEmpty() ? "" : "lazy-refcounts=" + option);
        OpenRequest request = OpenRequest.READ.withWritable(true);
        try (BlockDevice disk = ChainOpener.open(image.toString(), options, request)) {
            MemorySegment bytes = MemorySegment.ofArray(new byte[CLUSTER]).fill((byte) 7);
            disk.write(CLUSTER, bytes, Durability.CACHED);
            disk.flush();
            Files.copy(image, crashed);
            assertEquals(lazy, isDirty(crashed));
        }
        assertFalse(isDirty(image));
        Peers.qemuImg("check", image).ok();
        Peers.Result read = Peers.qemuIo(crashed, "qcow2", "write -P 1 0 64k", "read -P 7 64k 64k");
        assertTrue(read.ok().out().contains("read 65536/65536"), read.toString());
        assertFalse(isDirty(crashed));
        // What is set aside for later is leaked, unless QEMU has repaired all.
        assertEquals(lazy ? 0 : 3, Peers.qemuImg("check", crashed).status());
        Peers.qemuImg("check", "-r", "leaks", crashed).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"off", "on"})
    void reopeningSwitchesAsInQemu(String asMade) {
        String script =
                """
                write -P 1 0 128k
                reopen -o lazy-refcounts=on
                write -P 2 1M 64k
                flush
                reopen -o lazy-refcounts=off
                write -P 3 2M 64k
                reopen -o lazy-refcounts=maybe
                reopen -o lazy-refcounts=on
                discard 0 64k
                read -P 2 1M 64k
                """;
        Path theirs = create("theirs", asMade);
        Path ours = create("ours", asMade);
        Peers.Result expected = Peers.runWith(script, folder, "qemu-io", "-f", "qcow2", theirs);
        Peers.Result actual = Cli.asQemuIo(script, "-f", "qcow2", ours);
        assertEquals(withoutTimes(expected.out()), withoutTimes(actual.out()));
        assertEquals(expected.err(), actual.err());
        assertEquals(expected.status(), actual.status());
        Peers.qemuImg("compare", theirs, ours).ok();
        Peers.qemuImg("check", ours).ok();
        assertFalse(isDirty(ours));
    }

    private static String withoutTimes(String text) {
        return text.replaceAll("; [0-9].* ops/sec\\)", "");
    }

    @ParameterizedTest
    @ValueSource(strings = {"off", "on"})
    void amendSaysTheSameAsQemu(String asMade) throws IOException {
        Path theirs = create("theirs", asMade);
        Path ours = create("ours", asMade);
        for (String to : new String[] {"on", "on", "off", "on"}) {
            Peers.qemuImg("amend", "-o", "lazy_refcounts=" + to, theirs).ok();
            Cli.gaur("amend", "-o", "lazy_refcounts=" + to, ours).ok();
            assertEquals(-1, Files.mismatch(theirs, ours));
        }
    }
}
