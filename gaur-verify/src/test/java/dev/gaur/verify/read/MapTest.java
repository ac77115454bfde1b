package dev.gaur.verify.read;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Extent;
import dev.gaur.format.FormatOptions;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gaur says of every image in the zoo, and of parts of it, what {@code qemu-img map} says. */
class MapTest {
    private static final long NO_OFFSET = -1;
    private static final int PARTS = 20;

    private final Random random = new Random(ImageZoo.SEED);

    /** An element of the array that {@code qemu-img map --output=json} prints. */
    private record Entry(
            long start,
            long length,
            int depth,
            boolean present,
            boolean zero,
            boolean data,
            long offset) {
        long end() {
            return start + length;
        }

        boolean isContinuedBy(Entry next) {
            long expected = offset == NO_OFFSET ? NO_OFFSET : offset + length;
            return depth == next.depth
                    && present == next.present
                    && zero == next.zero
                    && data == next.data
                    && expected == next.offset;
        }
    }

    @ParameterizedTest
    @MethodSource("dev.gaur.verify.zoo.ImageZoo#all")
    void mapsWhatQemuMaps(Exhibit exhibit) {
        List<Entry> expected = qemuMap(exhibit);
        try (BlockNode node =
                Layers.open(exhibit.path(), exhibit.format(), FormatOptions.DEFAULT)) {
            assertEquals(lines(expected), lines(gaurMap(node, 0, node.length())), "whole");
            for (int i = 0; i < PARTS && node.length() > 1; i++) {
                long at = random.nextLong(node.length());
                long length = 1 + random.nextLong(node.length() - at) / (i + 1);
                assertEquals(
                        lines(part(expected, at, at + length)),
                        lines(gaurMap(node, at, length)),
                        "seed %d, part %d".formatted(ImageZoo.SEED, i));
            }
        }
    }

    private static String lines(List<Entry> entries) {
        return String.join("\n", entries.stream().map(Entry::toString).toList());
    }

    private static List<Entry> part(List<Entry> whole, long from, long to) {
        List<Entry> part = new ArrayList<>();
        for (Entry each : whole) {
            long start = Math.max(from, each.start);
            long end = Math.min(to, each.end());
            if (start < end) {
                long offset =
                        each.offset == NO_OFFSET ? NO_OFFSET : each.offset + start - each.start;
                part.add(
                        new Entry(
                                start,
                                end - start,
                                each.depth,
                                each.present,
                                each.zero,
                                each.data,
                                offset));
            }
        }
        return part;
    }

    private static List<Entry> qemuMap(Exhibit exhibit) {
        String json =
                Peer.must(
                        exhibit.folder(),
                        "qemu-img",
                        "map",
                        "-U",
                        "--output=json",
                        "-f",
                        exhibit.format(),
                        exhibit.path().toString());
        return Arrays.stream(json.split("\n"))
                .filter(line -> line.contains("start"))
                .filter(line -> number(line, "length") > 0) // A disk of no bytes has one entry.
                .map(
                        line ->
                                new Entry(
                                        number(line, "start"),
                                        number(line, "length"),
                                        (int) number(line, "depth"),
                                        line.contains("\"present\": true"),
                                        line.contains("\"zero\": true"),
                                        line.contains("\"data\": true"),
                                        number(line, "offset")))
                .toList();
    }

    /** The number behind a key, or {@link #NO_OFFSET}: enough JSON for one known program. */
    private static long number(String line, String key) {
        String quoted = "\"" + key + "\": ";
        int at = line.indexOf(quoted);
        return at < 0
                ? NO_OFFSET
                : Long.parseLong(line.substring(at + quoted.length()).split("[^0-9]")[0]);
    }

    private static List<Entry> gaurMap(BlockNode node, long offset, long length) {
        List<Entry> merged = new ArrayList<>();
        node.extents(
                offset,
                length,
                extent -> {
                    Entry entry = entry(extent);
                    Entry last = merged.isEmpty() ? null : merged.getLast();
                    if (last != null && last.isContinuedBy(entry)) {
                        long both = last.length + entry.length;
                        merged.removeLast();
                        entry =
                                new Entry(
                                        last.start,
                                        both,
                                        last.depth,
                                        last.present,
                                        last.zero,
                                        last.data,
                                        last.offset);
                    }
                    return merged.add(entry);
                });
        return merged;
    }

    private static Entry entry(Extent extent) {
        long start = extent.offset();
        long length = extent.length();
        int depth = extent.depth();
        return switch (extent) {
            case Extent.Data data ->
                    new Entry(
                            start,
                            length,
                            depth,
                            true,
                            data.readsAsZero(),
                            true,
                            data.hostOffset());
            case Extent.Encoded _ -> new Entry(start, length, depth, true, false, true, NO_OFFSET);
            case Extent.Zero zero ->
                    new Entry(start, length, depth, true, true, false, zero.hostOffset());
            case Extent.Unallocated none ->
                    new Entry(start, length, depth, false, true, false, none.hostOffset());
        };
    }
}
