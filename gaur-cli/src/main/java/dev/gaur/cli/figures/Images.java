package dev.gaur.cli.figures;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.mem.BufferPool;
import dev.gaur.storage.CacheMode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/** Makes images for measurements, and keeps what many of them need. */
final class Images {
    private static final int MIB = 1 << 20;

    /** Half of each page is random, so that compression has both something and little to do. */
    private static final int HALF_PAGE = 2 << 10;

    private final Workplace place;
    private final GaurCommands gaur;
    private final long span;
    private final int spreadPlaces;
    private final Map<String, Path> kept = new HashMap<>();
    private final MemorySegment data = data(MIB);

    Images(Workplace place, GaurCommands gaur, Settings settings) {
        this.place = place;
        this.gaur = gaur;
        this.span = settings.span();
        this.spreadPlaces = settings.spreadPlaces();
    }

    /** Returns bytes to write, none of them zero, aligned for any cache mode. */
    static MemorySegment data(int bytes) {
        MemorySegment segment = BufferPool.allocate(bytes);
        Random dice = new Random(bytes);
        for (int i = 0; i < bytes; i++) {
            int text = 'a' + i % 16;
            int random = 1 + dice.nextInt(255);
            boolean isText = i / HALF_PAGE % 2 == 0;
            segment.set(ValueLayout.JAVA_BYTE, i, (byte) (isText ? text : random));
        }
        return segment;
    }

    /** Returns how long a kind's disk is. */
    long length(Variant variant) {
        return variant.length() == 0 ? span : variant.length();
    }

    /** Opens an image. */
    static BlockDevice open(Variant variant, Path file, CacheMode cache, boolean writable) {
        OpenRequest request =
                OpenRequest.READ.withImageOpts(true).withWritable(writable).withCache(cache);
        return ChainOpener.open(variant.imageOptions(file.toString()), request);
    }

    /** Tells why there can be no image of a kind; empty if there can. */
    Optional<String> problem(Variant variant) {
        Path file = place.file("try." + variant.format());
        try {
            create(variant, file, MIB);
            open(variant, file, CacheMode.WRITEBACK, true).close();
            return Optional.empty();
        } catch (FiguresException failure) {
            String before = file + ": "; // What was called, and what it says before the reason.
            String text = failure.text();
            return Optional.of(after(text, before));
        } catch (BlockException failure) {
            return Optional.of(failure.found());
        } finally {
            place.delete(file);
        }
    }

    private static String after(String text, String before) {
        int at = text.lastIndexOf(before);
        return at < 0 ? text : text.substring(at + before.length());
    }

    /**
     * Returns an image of a kind: a new one, unless one serves all.
     *
     * @param name that it gets if it is new
     * @param cache how it will be opened: what is new is in the page cache only where that is used
     */
    Path take(Variant variant, String name, CacheMode cache) {
        if (variant.start().isShared()) {
            return keep(
                    variant.start() + variant.format() + length(variant) + variant.createOptions(),
                    it -> makeShared(variant, it));
        }
        Path file = place.file(name);
        switch (variant.start()) {
            case EMPTY -> create(variant, file, span);
            case OVER_ZEROS -> createOver(variant, file, zeros(), Variant.RAW);
            case OVER_RAW -> createOver(variant, file, base(), Variant.RAW);
            case OVER_QCOW2 -> createOver(variant, file, qcow2Base(), "qcow2");
            case SNAPSHOT -> copy(snapshot(variant), file);
            case COMPRESSED -> copy(compressed(), file);
            case WRITTEN, IN_ORDER, SCATTERED -> throw new AssertionError(variant);
        }
        if (cache.direct()) {
            forget(file);
        }
        return file;
    }

    /**
     * Has the page cache forget a file: the first write past it to each page would have to, and be
     * twice as slow as any other.
     */
    private void forget(Path file) {
        List<String> dd = List.of("dd", "if=/dev/null", "of=" + file, "status=none");
        List<String> how = List.of("count=0", "oflag=nocache", "conv=notrunc,fdatasync");
        place.tryRun(Stream.concat(dd.stream(), how.stream()).toList());
    }

    /** Deletes an image, unless it is needed again. */
    void release(Variant variant, Path file) {
        if (!variant.start().isShared()) {
            place.delete(file);
        }
    }

    @FunctionalInterface
    private interface Maker {
        void make(Path file);
    }

    private Path keep(String key, Maker maker) {
        Path known = kept.get(key);
        if (known != null) {
            return known;
        }
        Path file = place.file("kept-" + kept.size());
        maker.make(file);
        kept.put(key, file);
        return file;
    }

    private void create(Variant variant, Path file, long length, String... backing) {
        String options = variant.createOptions();
        List<String> words = new ArrayList<>(List.of("create", "-q", "-f", variant.format()));
        words.addAll(List.of(backing));
        if (!options.isEmpty()) {
            words.addAll(List.of("-o", options));
        }
        words.addAll(List.of(file.toString(), Long.toString(length)));
        gaur.run(words.toArray(String[]::new));
    }

    private void createOver(Variant variant, Path file, Path below, String format) {
        create(variant, file, span, "-b", below.toString(), "-F", format);
    }

    private Path zeros() {
        return keep("zeros", file -> create(Variant.raw(Start.EMPTY), file, span));
    }

    private Path base() {
        return keep(
                "base",
                file -> {
                    Variant raw = Variant.raw(Start.EMPTY);
                    create(raw, file, span);
                    fill(raw, file);
                });
    }

    private Path qcow2Base() {
        return keep("qcow2 base", file -> convert("-q", file));
    }

    private Path compressed() {
        return keep("compressed", file -> convert("-qc", file));
    }

    private void convert(String how, Path file) {
        gaur.run("convert", how, "-f", "raw", "-O", "qcow2", base().toString(), file.toString());
    }

    private Path snapshot(Variant variant) {
        return keep(
                "snapshot " + variant.createOptions(),
                file -> {
                    create(variant, file, span);
                    fill(variant, file);
                    gaur.run("snapshot", "-c", "before", file.toString());
                });
    }

    private static void copy(Path from, Path to) {
        try {
            Files.copy(from, to);
            try (FileChannel file = FileChannel.open(to, StandardOpenOption.WRITE)) {
                file.force(false); // For the same reason as in write().
            }
        } catch (IOException failure) {
            throw new FiguresException("cannot copy an image: " + failure.getMessage(), failure);
        }
    }

    private void makeShared(Variant variant, Path file) {
        create(variant, file, length(variant));
        if (variant.start() == Start.WRITTEN) {
            fill(variant, file);
            return;
        }
        long[] offsets = Pattern.READ_SPREAD.offsets(length(variant), spreadPlaces);
        if (variant.start() == Start.IN_ORDER) {
            Arrays.sort(offsets);
        }
        write(variant, file, offsets, Pattern.READ_SPREAD.bytes());
    }

    /** By writes of one cluster: larger ones would lie in the page cache in larger pieces. */
    private void fill(Variant variant, Path file) {
        write(variant, file, Pattern.CLUSTERS.offsets(span, Integer.MAX_VALUE), Pattern.CLUSTER);
    }

    private void write(Variant variant, Path file, long[] offsets, int bytes) {
        try (BlockDevice disk = open(variant, file, CacheMode.WRITEBACK, true)) {
            MemorySegment part = data.asSlice(0, bytes);
            for (long offset : offsets) {
                disk.write(offset, part, Durability.CACHED);
            }
            disk.flush(); // What is dirty now would be brought to the disk while others measure.
        }
    }
}
