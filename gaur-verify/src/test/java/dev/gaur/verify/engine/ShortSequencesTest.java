package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.testkit.DiskModel;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every sequence of three operations on a disk of four clusters: after each the disk reads as the
 * model, in the end nothing is wrong with the image. What random work finds late, this finds at
 * once, and with a short story.
 */
class ShortSequencesTest {
    private static final int QEMU_EVERY = 1000;

    private final AtomicLong sequences = new AtomicLong();

    /** The operations, on a disk of clusters of {@code c} bytes. */
    private static List<Op> alphabet(int c) {
        int half = c / 2;
        int sub = Math.max(512, c / 32);
        return List.of(
                new Op.Write(0, c, 2, false),
                new Op.Write(c, c, 3, false),
                new Op.Write(sub, sub, 6, false),
                new Op.Write(half + 1, c, 7, false),
                new Op.Write(2L * c, 2 * c, 10, true),
                new Op.Compressed(0, c, 4),
                new Op.Compressed(0, 3 * c, 8),
                new Op.Compressed(3L * c, c, 12),
                new Op.Zero(0, c, ZeroMode.KEEP, false),
                new Op.Zero(0, c, ZeroMode.UNMAP, false),
                new Op.Zero(half, half + sub, ZeroMode.UNMAP, false),
                new Op.Zero(0, 4 * c, ZeroMode.KEEP_FAST, false),
                new Op.Discard(0, c),
                new Op.Discard(sub, 2 * c),
                new Op.Discard(0, 4 * c),
                new Op.Flush(),
                new Op.Reopen(true),
                new Op.Take("a"),
                new Op.Apply(0),
                new Op.Delete(0),
                new Op.Resize(2L * c),
                new Op.Resize(6L * c + 512));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=1k size=4k",
                "v3 cluster=1k size=4k backing=raw:5k",
                "v3 cluster=16k size=64k ext backing=raw:56k"
            })
    void everySequenceOfThreeOperations(String text, TestReporter reporter) {
        all(text, reporter);
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "v2 cluster=1k size=4k",
                "v2 cluster=1k size=4k backing=qcow2:3k",
                "v3 cluster=512 size=2k",
                "v3 cluster=512 size=2k rc=1",
                "v3 cluster=1k size=4k rc=2",
                "v3 cluster=1k size=4k lazy",
                "v3 cluster=1k size=4k rc=64 backing=qcow2:3k",
                "v3 cluster=1k size=4k pre=metadata",
                "v3 cluster=1k size=4k data",
                "v3 cluster=1k size=4k dataraw",
                "v3 cluster=16k size=64k ext",
                "v3 cluster=16k size=64k ext pre=metadata",
                "v3 cluster=64k size=256k zstd backing=qcow2:300k"
            })
    void everySequenceOnMoreKindsOfImages(String text, TestReporter reporter) {
        all(text, reporter);
    }

    private void all(String text, TestReporter reporter) {
        ImageSpec spec = ImageSpec.of(text);
        TestImage empty = TestImage.create(spec, new Random(ImageZoo.SEED));
        List<Op> alphabet = alphabet(spec.clusterSize());
        IntStream.range(0, alphabet.size() * alphabet.size())
                .parallel()
                .forEach(
                        pair -> {
                            Op first = alphabet.get(pair / alphabet.size());
                            Op second = alphabet.get(pair % alphabet.size());
                            for (int third = 0; third < alphabet.size(); third++) {
                                List<Op> ops = List.of(first, second, alphabet.get(third));
                                run(empty, ops, pair + third);
                            }
                        });
        assertTrue(sequences.get() >= 10_000);
        reporter.publishEntry("sequences", sequences.toString());
    }

    private void run(TestImage empty, List<Op> ops, long seed) {
        long number = sequences.incrementAndGet();
        new Story(ImageZoo.SEED, empty.spec(), ops)
                .tell(
                        () -> {
                            TestImage files = empty.copy();
                            DiskModel model = files.model();
                            try (Session session = Session.of(files, model, seed)) {
                                session.run(ops);
                                session.checkAll();
                                session.flush();
                            }
                            judge(files, model, number);
                        });
    }

    private static void judge(TestImage files, DiskModel model, long number) {
        files.check().assertClean();
        try (Image image = files.openToRead("")) {
            model.check(image, DiskModel.NOW);
        }
        for (DiskModel.Snapshot each : model.snapshots()) {
            try (Image image = files.openToRead(each.name())) {
                model.checkSnapshot(each, image);
            }
        }
        if (number % QEMU_EVERY == 0) {
            Path folder = ImageZoo.workshop("short-" + Thread.currentThread().threadId());
            files.export(folder);
            Qemu.assertClean(folder);
        }
    }
}
