package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Image files in memory for tests of bitmaps: what is left of them outlives the image. */
final class BitmapDisk {
    private BitmapDisk() {}

    static MemoryStorage create(Qcow2CreateOptions options) {
        MemoryStorage file = new MemoryStorage("image", 0);
        ImageCreator.create(file, Optional.empty(), options);
        return file;
    }

    static MemoryStorage copy(StorageNode file) {
        return new MemoryStorage("image", bytes(file));
    }

    static byte[] bytes(StorageNode file) {
        return TestBytes.read(file, 0, Math.toIntExact(file.length()));
    }

    static Image open(StorageNode file, boolean writable) {
        ReferenceOpener nothing =
                new ReferenceOpener() {
                    @Override
                    public BlockNode backing(Reference reference) {
                        throw new AssertionError(reference.toString());
                    }

                    @Override
                    public StorageNode dataFile(Reference reference) {
                        throw new AssertionError(reference.toString());
                    }
                };
        return Qcow2Format.INSTANCE.open(
                new KeepOpen(file, writable), FormatOptions.DEFAULT, nothing);
    }

    /** Opens an image, changes it and closes it. */
    static void change(StorageNode file, Consumer<Image> changes) {
        try (Image image = open(file, true)) {
            changes.accept(image);
        }
    }

    static Bitmaps bitmaps(Image image) {
        return image.bitmaps().orElseThrow();
    }

    /** What a new opening says of the bitmaps. */
    static List<BitmapInfo> list(StorageNode file) {
        try (Image image = open(file, false)) {
            return bitmaps(image).list();
        }
    }

    static List<String> warnings(StorageNode file) {
        try (Image image = open(file, false)) {
            return image.info().warnings();
        }
    }

    static byte[] content(StorageNode file) {
        try (Image image = open(file, false)) {
            return TestBytes.read(image, 0, Math.toIntExact(image.length()));
        }
    }

    /** All findings of the check. */
    static CheckReport check(StorageNode file, List<String> findings) {
        CheckListener listener =
                new CheckListener() {
                    @Override
                    public void found(CheckFinding finding) {
                        findings.add(finding.text());
                    }
                };
        Header header = HeaderCodec.readForCheck(file);
        return new ConsistencyCheck(file, header).check(listener);
    }

    static void assertClean(StorageNode file, String message) {
        List<String> findings = new ArrayList<>();
        CheckReport report = check(file, findings);
        assertEquals(List.of(), findings, message);
        assertEquals("", report.failure(), message);
    }

    /** Nothing is lost, but clusters may be leaked. */
    static void assertSound(StorageNode file, String message) {
        List<String> findings = new ArrayList<>();
        CheckReport report = check(file, findings);
        assertEquals("", report.failure(), message);
        assertEquals(0, report.corruptions() + report.checkErrors(), message + " " + findings);
    }
}
