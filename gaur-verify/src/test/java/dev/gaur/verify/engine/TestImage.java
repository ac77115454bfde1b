package dev.gaur.verify.engine;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageFormat;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2Format;
import dev.gaur.format.raw.RawFormat;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * An image and the files it needs, which stay when it is closed.
 *
 * @param spec what it is
 * @param file the image file
 * @param data the external data file, if it has one
 * @param backing the backing file, if it has one
 * @param below what the backing file's disk has
 */
record TestImage(
        ImageSpec spec,
        StorageNode file,
        Optional<StorageNode> data,
        Optional<StorageNode> backing,
        byte[] below) {
    /** The name of the image file when it is exported. */
    static final String FILE = "image.qcow2";

    /** Where the header of a new image says how long its journal shall be. */
    private static final long JOURNAL_LENGTH_AT = 136;

    private static final String BACKING = "base.img";
    private static final String DATA = "data.raw";

    /** Creates an image in memory. */
    static TestImage create(ImageSpec spec, Random random) {
        if (spec.raw()) {
            return new TestImage(
                    spec,
                    new MemoryStorage(FILE, spec.size()),
                    Optional.empty(),
                    Optional.empty(),
                    new byte[0]);
        }
        Qcow2CreateOptions options = spec.options();
        byte[] below = {};
        Optional<StorageNode> backing = Optional.empty();
        if (spec.hasBacking()) {
            below = TestBytes.patchy(random, (int) spec.backingSize());
            backing = Optional.of(backing(spec.backingFormat(), below));
            options = options.withBacking(BACKING, spec.backingFormat());
        }
        Optional<StorageNode> data = Optional.empty();
        if (spec.dataFile() != ImageSpec.DataFile.NONE) {
            data = Optional.of(new MemoryStorage(DATA, 0));
            options = options.withDataFile(DATA, spec.dataFile() == ImageSpec.DataFile.RAW);
        }
        MemoryStorage file = new MemoryStorage(FILE, 0);
        ImageCreator.create(file, data, options);
        if (spec.journalBytes() > 0) {
            MemorySegment length = MemorySegment.ofArray(new byte[Long.BYTES]);
            Bytes.putU64(length, 0, spec.journalBytes());
            file.write(JOURNAL_LENGTH_AT, length, Durability.CACHED);
        }
        return new TestImage(spec, file, data, backing, below);
    }

    private static StorageNode backing(String format, byte[] content) {
        if (format.equals("raw")) {
            return new MemoryStorage(BACKING, content);
        }
        MemoryStorage file = new MemoryStorage(BACKING, 0);
        Qcow2CreateOptions options =
                Qcow2CreateOptions.ofSize(content.length).withClusterSize(4096);
        ImageCreator.create(file, Optional.empty(), options);
        TestImage base =
                new TestImage(
                        ImageSpec.of("v3 cluster=4k size=" + content.length),
                        file,
                        Optional.empty(),
                        Optional.empty(),
                        new byte[0]);
        try (Image image = base.open()) {
            image.write(0, MemorySegment.ofArray(content), Durability.CACHED);
            image.flush();
        }
        return file;
    }

    /** The same image in other files. */
    TestImage in(StorageNode otherFile, Optional<StorageNode> otherData) {
        return new TestImage(spec, otherFile, otherData, backing, below);
    }

    /** The same image in other files: the first for the image, the second, if any, for the data. */
    TestImage in(List<? extends StorageNode> files) {
        Optional<StorageNode> otherData =
                files.size() > 1 ? Optional.of(files.get(1)) : Optional.empty();
        return in(files.getFirst(), otherData);
    }

    /** The image file, and the data file if there is one. */
    List<StorageNode> files() {
        List<StorageNode> files = new ArrayList<>(List.of(file));
        data.ifPresent(files::add);
        return files;
    }

    /** What a new image reads as. */
    DiskModel model() {
        return new DiskModel(Arrays.copyOf(below, (int) spec.size()), below);
    }

    private ImageFormat format() {
        return spec.raw() ? RawFormat.INSTANCE : Qcow2Format.INSTANCE;
    }

    /** Opens the image for writing. */
    Image open() {
        return open(FormatOptions.DEFAULT);
    }

    /**
     * Opens the image for writing.
     *
     * @param seed says how much may wait in memory
     */
    Image open(long seed) {
        return open(FormatOptions.DEFAULT.withCowCacheBytes(Workload.waiting(seed, spec)));
    }

    /** Opens the image for writing, in some way. */
    Image open(FormatOptions options) {
        return format().open(new Kept(file), options, new References(true));
    }

    /** Stays open, and begins writes if what it is does. */
    private static final class Kept extends StorageWrapper {
        private final StorageNode real;

        Kept(StorageNode real) {
            super(real);
            this.real = real;
        }

        @Override
        public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
            return real.beginWrite(offset, source);
        }
    }

    /** Opens the image, or a snapshot of it, for reading. */
    Image openToRead(String snapshot) {
        FormatOptions options = new FormatOptions(snapshot, FormatOptions.AUTO);
        return format().open(new ReadOnly(file), options, new References(false));
    }

    /** Tells whether it says that counts and flags may contradict each other. */
    boolean isDirty() {
        if (spec.raw()) {
            return false;
        }
        try (Image image = openToRead("")) {
            return image.info().dirty();
        }
    }

    /**
     * Fails if data is or will be lost. In version 2 flags may differ from counts that were changed
     * before them: it has no bit to say so, and what somebody writes then is right nevertheless.
     */
    void assertIntactAfterStop() {
        Verdict verdict = check();
        if (spec.raw() || spec.isV3() || !verdict.onlyFlagsDiffer()) {
            verdict.assertIntact();
        }
    }

    /** Tells whether a repair would find anything but lost space. */
    boolean wantsRepair() {
        return isDirty() || check().report().corruptions() > 0;
    }

    /** Checks the image with our checker; nothing when it is raw. */
    Verdict check() {
        List<CheckFinding> findings = new ArrayList<>();
        CheckListener listener =
                new CheckListener() {
                    @Override
                    public void found(CheckFinding finding) {
                        findings.add(finding);
                    }
                };
        CheckReport report =
                format().checker(new ReadOnly(file))
                        .map(checker -> checker.check(listener))
                        .orElse(new CheckReport("", 0, 0, 0, 0, 0, 0, 0, 0));
        return new Verdict(report, findings);
    }

    /** What a check said. */
    record Verdict(CheckReport report, List<CheckFinding> findings) {
        /** Fails if data is or will be lost; space may be. */
        void assertIntact() {
            boolean intact = report.corruptions() == 0 && report.checkErrors() == 0;
            if (!intact || !report.failure().isEmpty()) {
                throw new AssertionError(this);
            }
        }

        private boolean onlyFlagsDiffer() {
            return report.checkErrors() == 0
                    && report.failure().isEmpty()
                    && findings.stream()
                            .filter(each -> each.severity() != CheckFinding.Severity.LEAK)
                            .allMatch(each -> each.text().contains("OFLAG_COPIED"));
        }

        /** Fails if anything is wrong. */
        void assertClean() {
            if (!report.isClean() || !report.failure().isEmpty()) {
                throw new AssertionError(this);
            }
        }

        @Override
        public String toString() {
            List<String> texts = findings.stream().limit(10).map(CheckFinding::text).toList();
            return report + "\n  " + String.join("\n  ", texts);
        }
    }

    /** Writes all files into a folder, for other programs. */
    void export(Path folder) {
        export(file, folder.resolve(FILE));
        data.ifPresent(each -> export(each, folder.resolve(DATA)));
        backing.ifPresent(each -> export(each, folder.resolve(BACKING)));
    }

    private static void export(StorageNode storage, Path target) {
        try {
            Files.write(target, TestBytes.readArray(storage, 0, Math.toIntExact(storage.length())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A copy of all files as they are now. */
    TestImage copy() {
        return in(copy(file), data.map(TestImage::copy));
    }

    private static StorageNode copy(StorageNode storage) {
        int length = Math.toIntExact(storage.length());
        return new MemoryStorage(storage.name(), TestBytes.readArray(storage, 0, length));
    }

    private final class References implements ReferenceOpener {
        private final boolean writable;

        References(boolean writable) {
            this.writable = writable;
        }

        @Override
        public BlockNode backing(Reference reference) {
            ImageFormat format =
                    reference.format().equals("raw") ? RawFormat.INSTANCE : Qcow2Format.INSTANCE;
            StorageNode storage = new ReadOnly(backing.orElseThrow());
            return format.open(storage, FormatOptions.DEFAULT, this);
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            StorageNode storage = data.orElseThrow();
            return writable ? new StorageWrapper(storage) : new ReadOnly(storage);
        }
    }

    private static final class ReadOnly extends StorageWrapper {
        ReadOnly(StorageNode real) {
            super(real);
        }

        @Override
        public boolean writable() {
            return false;
        }
    }
}
