package dev.gaur.verify.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Debian's kernel in an emulated machine whose disk is on our server: it makes a file system and
 * changes files; the server is killed with SIGKILL in the middle and started again. The next guest
 * finds all that was synced, QEMU finds the image without corruption, e2fsck the file system whole.
 */
class GuestTest {
    private static final int ROUNDS = ImageZoo.LONG ? 10 : 3;

    /** More than a guest gets done before it loses its disk. */
    private static final int GROUPS = 60;

    private static final int SYNCED_MAX = 12;
    private static final int KILLED = 128 + 9;
    private static final int LEAKS = 3;
    private static final int REPAIRED = 1;
    private static final String SIZE = "256M";

    /** Makes traffic at every moment: writes, flushes, and discards of what it replaces. */
    private static final String NOISE =
            """
            while dd if=/blob of=/mnt/noise bs=64k count=9 conv=fsync 2>/dev/null; do :; done &
            """;

    private static GuestKit kit;

    @TempDir Path folder;

    @BeforeAll
    static void prepare() throws IOException {
        kit = GuestKit.prepare();
    }

    static Stream<String> kinds() {
        Stream<String> all =
                Stream.of(
                        "cluster_size=64k",
                        "extended_l2=on,cluster_size=128k",
                        "cluster_size=4k,refcount_bits=1",
                        "preallocation=metadata");
        return ImageZoo.LONG ? all : all.limit(1);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatTheGuestSyncedSurvivesTheServer(String options) throws IOException {
        Path image = folder.resolve("disk.qcow2");
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", options, image, SIZE).ok();
        FileStory story = new FileStory(ImageZoo.SEED);
        Random random = new Random(ImageZoo.SEED);
        for (int round = 0; round < ROUNDS; round++) {
            killWhileTheGuestWrites(image, story, round == 0, random.nextInt(SYNCED_MAX));
            assertIntact(image);
        }
        Path socket = folder.resolve("gaur.sock");
        try (Console server = ServerProcess.serve(socket, image)) {
            shutDownCleanly(socket, story);
            Peers.run("kill", "-TERM", server.pid()).ok();
            assertEquals(0, server.awaitEnd(), () -> server.failure("ended").getMessage());
        }
        assertIntact(image);
        Peers.run("/sbin/e2fsck", "-fn", raw(image)).ok();
    }

    private void killWhileTheGuestWrites(Path image, FileStory story, boolean first, int last)
            throws IOException {
        Path socket = folder.resolve("gaur.sock");
        String made = first ? "/sbin/mke2fs -q -F -t ext4 /dev/vda || die mke2fs\n" : "";
        String verified = story.verification();
        String work = made + mount() + verified + NOISE + story.go(GROUPS) + "echo done\n";
        try (Console server = ServerProcess.serve(socket, image);
                Console guest = boot(socket, work, story)) {
            guest.await("verified " + story.size());
            guest.await("synced " + last);
            server.kill();
            assertEquals(KILLED, server.awaitEnd());
            guest.kill();
        }
        story.synced(last);
        assertTrue(last == 0 || story.size() > 0, "nothing to verify");
    }

    private void shutDownCleanly(Path socket, FileStory story) throws IOException {
        String work = mount() + story.verification() + "umount /mnt || die umount\necho clean\n";
        try (Console guest = boot(socket, work, story)) {
            guest.await("verified " + story.size());
            guest.await("clean");
            assertEquals(0, guest.awaitEnd());
        }
    }

    /** Any error that the file system sees ends the guest. */
    private static String mount() {
        return "mount -t ext4 -o discard,errors=panic /dev/vda /mnt || die mount\n";
    }

    private Console boot(Path socket, String work, FileStory story) throws IOException {
        byte[] sums = story.sums().getBytes(StandardCharsets.UTF_8);
        Path initramfs = folder.resolve("initramfs");
        Files.write(initramfs, kit.initramfs(work, Map.of("blob", story.blob(), "sums", sums)));
        String disk =
                "file=nbd+unix:///disk.qcow2?socket=%s,format=raw,if=virtio,discard=unmap"
                        .formatted(socket);
        List<String> command =
                List.of(
                        "qemu-system-x86_64",
                        "-accel",
                        "tcg",
                        "-m",
                        "256",
                        "-nodefaults",
                        "-no-user-config",
                        "-no-reboot",
                        "-display",
                        "none",
                        "-serial",
                        "stdio",
                        "-kernel",
                        kit.kernel().toString(),
                        "-initrd",
                        initramfs.toString(),
                        "-append",
                        "console=ttyS0 loglevel=1 panic=-1",
                        "-drive",
                        disk);
        return Console.start("the guest", new ProcessBuilder(command));
    }

    /** Nothing worse than lost space in the image, nothing worse than a journal in its content. */
    private void assertIntact(Path image) throws IOException {
        Peers.Result checked = Peers.qemuImg("check", "-f", "qcow2", image);
        if (checked.status() != LEAKS) {
            checked.ok();
        }
        Path raw = raw(image);
        Peers.Result replayed = Peers.run("/sbin/e2fsck", "-fp", raw);
        if (replayed.status() != REPAIRED) {
            replayed.ok();
        }
        Peers.run("/sbin/e2fsck", "-fn", raw).ok();
    }

    private Path raw(Path image) throws IOException {
        Path raw = folder.resolve("disk.raw");
        Files.deleteIfExists(raw);
        Peers.qemuImg("convert", "-f", "qcow2", "-O", "raw", image, raw).ok();
        return raw;
    }
}
