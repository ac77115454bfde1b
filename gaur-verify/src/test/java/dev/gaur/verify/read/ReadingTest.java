package dev.gaur.verify.read;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.BlockNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The bytes of every image in the zoo, and of every snapshot in it, are those that QEMU reads. */
class ReadingTest {
    private static final long PIECE = 8 << 20;
    private static final int ROUNDS = 300;
    private static final int LONGEST = 1 << 20;

    /** Too little for the tables of any image with data. */
    private static final long STARVED_CACHE_BYTES = 10_000;

    /** Disks larger than this are compared in windows. */
    private static final long WHOLE_MAX = 64 << 20;

    private final Random random = new Random(ImageZoo.SEED);

    @ParameterizedTest
    @MethodSource("dev.gaur.verify.zoo.ImageZoo#all")
    void readsWhatQemuReads(Exhibit exhibit) throws IOException {
        List<String> states = new ArrayList<>(exhibit.snapshots());
        states.add("");
        for (String snapshot : states) {
            FormatOptions whole = new FormatOptions(snapshot, FormatOptions.AUTO);
            try (BlockNode node = Layers.open(exhibit.path(), exhibit.format(), whole)) {
                if (node.length() > WHOLE_MAX) {
                    compareWindows(exhibit, node);
                } else {
                    compareAll(exhibit, snapshot, node);
                }
            }
        }
    }

    private void compareAll(Exhibit exhibit, String snapshot, BlockNode node) throws IOException {
        Path raw = convert(exhibit, snapshot);
        FormatOptions options = new FormatOptions(snapshot, STARVED_CACHE_BYTES);
        try (Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(raw);
                BlockNode starved = Layers.open(exhibit.path(), exhibit.format(), options)) {
            MemorySegment expected = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            assertEquals(expected.byteSize(), roundUp(node.length()), "length");
            compareAtRandom(node, expected);
            compareWhole(node, expected);
            compareAtRandom(starved, expected);
        } finally {
            Files.delete(raw);
        }
    }

    /** Compares where the zoo writes something to its largest disks, and around it. */
    private void compareWindows(Exhibit exhibit, BlockNode node) throws IOException {
        Path raw = exhibit.folder().resolve("expected.raw");
        for (long window : List.of(0L, (node.length() / 3) >>> 20, (node.length() >>> 20) - 1)) {
            Peer.must(
                    exhibit.folder(),
                    "qemu-img",
                    "dd",
                    "-U",
                    "-f",
                    exhibit.format(),
                    "-O",
                    "raw",
                    "bs=1M",
                    "skip=" + window,
                    "count=" + (window + 1),
                    "if=" + exhibit.path(),
                    "of=" + raw);
            byte[] expected = Files.readAllBytes(raw);
            byte[] read = new byte[1 << 20];
            node.read(window << 20, MemorySegment.ofArray(read));
            assertArrayEquals(expected, read, "MiB " + window);
            Files.delete(raw);
        }
    }

    /** QEMU counts sectors: it fills up raw files of other lengths. */
    private static long roundUp(long length) {
        return (length + 511) / 512 * 512;
    }

    private static Path convert(Exhibit exhibit, String snapshot) {
        Path raw = exhibit.folder().resolve("expected.raw");
        List<String> command = new ArrayList<>(List.of("qemu-img", "convert", "-U"));
        if (!snapshot.isEmpty()) {
            command.addAll(List.of("-l", "snapshot.id=" + snapshot));
        }
        command.addAll(List.of("-f", exhibit.format(), "-O", "raw"));
        command.addAll(List.of(exhibit.path().toString(), raw.toString()));
        Peer.run(exhibit.folder(), command).expect(0);
        return raw;
    }

    private void compareWhole(BlockNode node, MemorySegment expected) {
        try (Arena arena = Arena.ofConfined()) {
            for (long at = 0; at < node.length(); at += PIECE) {
                MemorySegment piece = arena.allocate(Math.min(PIECE, node.length() - at));
                node.read(at, piece);
                check(piece, expected, at, "whole");
            }
        }
    }

    private void compareAtRandom(BlockNode node, MemorySegment expected) {
        if (node.length() == 0) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(LONGEST);
            for (int round = 0; round < ROUNDS; round++) {
                long at = random.nextLong(node.length());
                long most = Math.min(LONGEST, node.length() - at);
                long length = random.nextLong(most + 1) >>> random.nextInt(12);
                MemorySegment target =
                        round % 5 == 0
                                ? MemorySegment.ofArray(new byte[(int) length])
                                : buffer.asSlice(0, length);
                target.fill((byte) 0x5a);
                if (round % 3 != 0 || !node.tryRead(at, target)) {
                    node.read(at, target);
                }
                check(target, expected, at, "round " + round);
            }
        }
    }

    private void check(MemorySegment read, MemorySegment expected, long at, String what) {
        MemorySegment part = expected.asSlice(at, read.byteSize());
        long mismatch = read.mismatch(part);
        if (mismatch >= 0) {
            String place =
                    "seed %d, %s: differs at %d".formatted(ImageZoo.SEED, what, at + mismatch);
            assertArrayEquals(head(part, mismatch), head(read, mismatch), place);
        }
    }

    private static byte[] head(MemorySegment bytes, long from) {
        long length = Math.min(32, bytes.byteSize() - from);
        return bytes.asSlice(from, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }
}
