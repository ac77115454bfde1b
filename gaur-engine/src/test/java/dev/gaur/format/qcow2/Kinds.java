package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Kinds of small images, and what tests of whole-image changes do with them. */
final class Kinds {
    private Kinds() {}

    /**
     * A kind of image.
     *
     * @param backing bytes of its backing file, 0 for none
     */
    record Kind(String name, Qcow2CreateOptions options, int backing) implements ReferenceOpener {
        @Override
        public String toString() {
            return name;
        }

        /** What the backing file holds. */
        byte[] base() {
            return TestBytes.patchy(new Random(backing), backing);
        }

        @Override
        public BlockNode backing(Reference reference) {
            return new MemoryStorage(reference.name(), base());
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            throw new AssertionError(reference.toString());
        }

        /** Makes an empty image. */
        MemoryStorage create() {
            MemoryStorage storage = new MemoryStorage("image", 0);
            Qcow2CreateOptions all = backing == 0 ? options : options.withBacking("base", "raw");
            ImageCreator.create(storage, Optional.empty(), all);
            return storage;
        }

        /** What a new image of the kind shows. */
        byte[] content() {
            return Arrays.copyOf(base(), (int) options.size());
        }

        /** Opens an image; the storage outlives it. */
        Image open(StorageNode storage) {
            return open(storage, "");
        }

        /** Opens a snapshot for reading. */
        Image open(StorageNode storage, String snapshot) {
            return Qcow2Format.INSTANCE.open(
                    new KeepOpen(storage, snapshot.isEmpty()),
                    new FormatOptions(snapshot, FormatOptions.AUTO),
                    this);
        }
    }

    /** Kinds with clusters small enough for several L2 tables. */
    static List<Kind> of(int size) {
        Qcow2CreateOptions plain = Qcow2CreateOptions.ofSize(size);
        Qcow2CreateOptions small = plain.withClusterSize(4096);
        List<Kind> kinds = new ArrayList<>();
        for (int backing : new int[] {0, size / 3 & -512, size + size / 3 & -512}) {
            String on = " on " + backing;
            kinds.add(new Kind("64k" + on, plain, backing));
            kinds.add(new Kind("512" + on, plain.withClusterSize(512), backing));
            kinds.add(new Kind("4k" + on, small, backing));
            kinds.add(new Kind("2M" + on, plain.withClusterSize(2 << 20), backing));
            kinds.add(new Kind("v2" + on, small.withVersion(2), backing));
            kinds.add(new Kind("lazy" + on, small.withLazyRefcounts(true), backing));
            kinds.add(new Kind("journal" + on, small.withJournal(true), backing));
            kinds.add(new Kind("bits4" + on, small.withRefcountBits(4), backing));
            kinds.add(new Kind("bits8" + on, small.withRefcountBits(8), backing));
            kinds.add(new Kind("bits32" + on, small.withRefcountBits(32), backing));
            kinds.add(
                    new Kind(
                            "bits64, 512" + on,
                            plain.withClusterSize(512).withRefcountBits(64),
                            backing));
            Qcow2CreateOptions extended = plain.withClusterSize(16384).withExtendedL2(true);
            kinds.add(new Kind("extended" + on, extended, backing));
        }
        return kinds;
    }

    /** Writes something random somewhere, and does the same to the model. */
    static void write(Image image, byte[] model, Random random) {
        int offset = random.nextInt(model.length);
        int length = random.nextInt(model.length - offset + 1) >>> random.nextInt(8);
        byte[] bytes = TestBytes.patchy(random, length);
        image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
        System.arraycopy(bytes, 0, model, offset, length);
    }

    /** A copy of storage, perhaps while an image is open on it. */
    static MemoryStorage copy(StorageNode storage) {
        return new MemoryStorage("copy", TestBytes.read(storage, 0, (int) storage.length()));
    }

    /** What a check finds, but for leaks, which harm nothing. */
    static List<String> damage(StorageNode storage) {
        return findings(storage, false);
    }

    /** What a check finds. */
    static List<String> findings(StorageNode storage) {
        return findings(storage, true);
    }

    private static List<String> findings(StorageNode storage, boolean leaks) {
        List<String> findings = new ArrayList<>();
        CheckListener listener =
                new CheckListener() {
                    @Override
                    public void found(CheckFinding finding) {
                        if (leaks || finding.severity() != CheckFinding.Severity.LEAK) {
                            findings.add(finding.text());
                        }
                    }
                };
        Header header = HeaderCodec.readForCheck(storage);
        CheckReport report = new ConsistencyCheck(storage, header).check(listener);
        if (!report.failure().isEmpty()) {
            findings.add(report.failure());
        }
        return findings;
    }
}
