package dev.gaur.verify.engine;

import dev.gaur.codec.Compression;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What kind of image: one point of the matrix of options. Its text says all, and can be parsed
 * again: {@code v3 cluster=16k size=200k ext backing=qcow2:100k}.
 *
 * @param raw no qcow2 at all: the disk's bytes in a file
 * @param options how it is created, without the names of other files
 * @param dataFile whether guest data lies in a file of its own
 * @param backingFormat {@code raw}, {@code qcow2}, or empty for no backing file
 * @param backingSize bytes of the backing file's disk
 * @param journalBytes how long its journal shall be, if it has one; 0 for what is best
 */
record ImageSpec(
        boolean raw,
        Qcow2CreateOptions options,
        DataFile dataFile,
        String backingFormat,
        long backingSize,
        long journalBytes) {
    private static final int SECTOR = 512;
    private static final int KIB = 1024;

    /** Where guest data lies. */
    enum DataFile {
        /** In the image. */
        NONE,
        /** In a file of its own. */
        PLAIN,
        /** In a file of its own, which alone is always the disk. */
        RAW
    }

    /** Reads what {@link #toString} prints. */
    static ImageSpec of(String text) {
        ImageSpec spec =
                new ImageSpec(false, Qcow2CreateOptions.ofSize(0), DataFile.NONE, "", 0, 0);
        for (String word : text.split(" ")) {
            spec = spec.with(word.split("[=:]"));
        }
        return spec;
    }

    private ImageSpec with(String[] word) {
        return switch (word[0]) {
            case "raw" ->
                    new ImageSpec(
                            true, options, dataFile, backingFormat, backingSize, journalBytes);
            case "v2" -> with(options.withVersion(2));
            case "v3" -> with(options.withVersion(3));
            case "cluster" -> with(options.withClusterSize(size(word[1])));
            case "size" -> with(options.withSize(size(word[1])));
            case "rc" -> with(options.withRefcountBits(Long.parseLong(word[1])));
            case "ext" -> with(options.withExtendedL2(true));
            case "journal" -> withJournal(word.length > 1 ? size(word[1]) : 0);
            case "lazy" -> with(options.withLazyRefcounts(true));
            case "zstd" -> with(options.withCompression(Compression.ZSTD));
            case "pre" -> with(options.withPreallocation(preallocation(word[1])));
            case "data" -> new ImageSpec(raw, options, DataFile.PLAIN, "", 0, journalBytes);
            case "dataraw" -> new ImageSpec(raw, options, DataFile.RAW, "", 0, journalBytes);
            case "backing" ->
                    new ImageSpec(raw, options, dataFile, word[1], size(word[2]), journalBytes);
            default -> throw new IllegalArgumentException(word[0]);
        };
    }

    private ImageSpec withJournal(long bytes) {
        Qcow2CreateOptions with = options.withJournal(true);
        return new ImageSpec(raw, with, dataFile, backingFormat, backingSize, bytes);
    }

    private ImageSpec with(Qcow2CreateOptions other) {
        return new ImageSpec(raw, other, dataFile, backingFormat, backingSize, journalBytes);
    }

    private static Preallocation preallocation(String text) {
        return Preallocation.ofOptionValue(text).orElseThrow();
    }

    private static long size(String text) {
        return text.endsWith("k")
                ? Long.parseLong(text.substring(0, text.length() - 1)) * KIB
                : Long.parseLong(text);
    }

    /** Draws any point of the matrix; the disk has up to so many clusters. */
    static ImageSpec random(Random random, int clustersMax) {
        int clusterBits = random.nextInt(4) == 0 ? 9 + random.nextInt(13) : 9 + random.nextInt(8);
        List<String> words = new ArrayList<>();
        boolean old = random.nextInt(6) == 0;
        boolean ext = !old && clusterBits >= 14 && random.nextInt(2) == 0;
        words.add(old ? "v2" : "v3");
        words.add("cluster=" + (1 << clusterBits));
        // Some small clusters are so many that tables have several sectors.
        boolean many = clusterBits < 12 && random.nextInt(3) == 0;
        int most = clusterBits > 17 ? 4 : many ? 20 * clustersMax : clustersMax;
        long clusters = 2L + random.nextInt(most);
        long size = (clusters << clusterBits) - (long) random.nextInt(2) * SECTOR;
        words.add("size=" + size);
        boolean data = !old && random.nextInt(8) == 0;
        if (!old) {
            words.add("rc=" + (1 << random.nextInt(7)));
            words.addAll(random.nextInt(6) == 0 ? List.of("lazy") : List.of());
            words.addAll(random.nextInt(4) == 0 ? List.of("journal") : List.of());
            long small = Math.max(2L << clusterBits, 4 << 10);
            words.addAll(random.nextInt(8) == 0 ? List.of("journal=" + small) : List.of());
            words.addAll(random.nextInt(3) == 0 ? List.of("zstd") : List.of());
            words.addAll(ext ? List.of("ext") : List.of());
        }
        boolean backed = !data && random.nextInt(3) == 0;
        if (data) {
            words.add(random.nextBoolean() ? "data" : "dataraw");
        } else if (backed) {
            long below = (1 + random.nextLong(2 * size / SECTOR)) * SECTOR;
            words.add("backing=" + (random.nextBoolean() ? "raw" : "qcow2") + ":" + below);
        }
        if ((!backed || ext) && random.nextInt(8) == 0) {
            words.add("pre=" + List.of("metadata", "falloc", "full").get(random.nextInt(3)));
        }
        return of(String.join(" ", words));
    }

    long size() {
        return Math.ceilDiv(options.size(), SECTOR) * SECTOR;
    }

    int clusterSize() {
        return raw ? SECTOR : (int) options.clusterSize();
    }

    boolean isV3() {
        return options.version() == 3;
    }

    /** Whether clusters may be stored compressed. */
    boolean compresses() {
        return !raw && dataFile == DataFile.NONE;
    }

    /** Whether a discarded cluster is sure to read as zeros. */
    boolean discardsToZero() {
        return !raw && isV3() && dataFile == DataFile.NONE;
    }

    boolean hasBacking() {
        return !backingFormat.isEmpty();
    }

    @Override
    public String toString() {
        List<String> words = new ArrayList<>();
        words.add(raw ? "raw" : "v" + options.version());
        words.add("cluster=" + options.clusterSize());
        words.add("size=" + options.size());
        words.add("rc=" + options.refcountBits());
        words.addAll(options.lazyRefcounts() ? List.of("lazy") : List.of());
        if (options.journal()) {
            words.add(journalBytes > 0 ? "journal=" + journalBytes : "journal");
        }
        words.addAll(options.compression() == Compression.ZSTD ? List.of("zstd") : List.of());
        words.addAll(options.extendedL2() ? List.of("ext") : List.of());
        if (options.preallocation() != Preallocation.OFF) {
            words.add("pre=" + options.preallocation().optionValue());
        }
        switch (dataFile) {
            case NONE -> {}
            case PLAIN -> words.add("data");
            case RAW -> words.add("dataraw");
        }
        words.addAll(
                hasBacking() ? List.of("backing=" + backingFormat + ":" + backingSize) : List.of());
        return String.join(" ", words);
    }
}
