package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random operations on random images, against an array of bytes: the disk reads as the array after
 * each, also when closed and opened again; in the end nothing is wrong for our check and for
 * QEMU's, and QEMU reads the same disk and snapshots.
 */
class ModelTest {
    private static final int ROUNDS = ImageZoo.LONG ? 5000 : 240;
    private static final int OPERATIONS = 60;
    private static final int SAMPLE = 60;

    static LongStream seeds() {
        return LongStream.range(ImageZoo.SEED, ImageZoo.SEED + ROUNDS);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aDiskReadsAsTheArrayAndQemuAgrees(long seed) {
        Random random = new Random(seed);
        ImageSpec spec = ImageSpec.random(random, 24);
        List<Op> ops = Workload.random(random, spec, Workload.Extras.ALL, OPERATIONS);
        new Story(seed, spec, ops).tell(() -> run(seed, random, spec, ops));
    }

    @Test
    void aRawImageIsADiskToo() {
        for (long seed = ImageZoo.SEED; seed < ImageZoo.SEED + 50; seed++) {
            Random random = new Random(seed);
            ImageSpec spec = ImageSpec.of("raw size=100k");
            List<Op> ops = Workload.random(random, spec, Workload.Extras.ALL, OPERATIONS);
            TestImage files = TestImage.create(spec, random);
            new Story(seed, spec, ops).tell(() -> work(files, FormatOptions.DEFAULT, ops));
        }
    }

    /** Else the tests above would pass by doing nothing. */
    @Test
    void theImagesHaveWhatTheWorkloadUses() {
        Map<Class<?>, Integer> images = new HashMap<>();
        long compressed = 0;
        for (long seed = ImageZoo.SEED; seed < ImageZoo.SEED + SAMPLE; seed++) {
            Random random = new Random(seed);
            ImageSpec spec = ImageSpec.random(random, 24);
            List<Op> ops = Workload.random(random, spec, Workload.Extras.ALL, OPERATIONS);
            TestImage files = TestImage.create(spec, random);
            try (Session session = Session.of(files, files.model())) {
                session.run(ops);
                for (Class<?> kind : Op.class.getPermittedSubclasses()) {
                    images.merge(kind, session.done(kind) > 0 ? 1 : 0, Integer::sum);
                }
            }
            compressed += files.check().report().compressedClusters();
        }
        for (Class<?> kind : Op.class.getPermittedSubclasses()) {
            int used = images.getOrDefault(kind, 0);
            assertTrue(used >= SAMPLE / 8, () -> kind.getSimpleName() + " in " + used);
        }
        assertTrue(compressed > SAMPLE / 2, "compressed clusters");
    }

    private static void run(long seed, Random random, ImageSpec spec, List<Op> ops) {
        TestImage files = TestImage.create(spec, random);
        DiskModel model = files.model();
        FormatOptions options = Workload.options(random, spec);
        BitmapHistory bitmaps = new BitmapHistory();
        Path folder = ImageZoo.workshop("model-" + seed);
        if (random.nextInt(3) == 0) {
            files.export(folder);
            TestImage left;
            TestImage real = onDisk(files, folder);
            try {
                work(real, model, options, bitmaps, ops);
                left = real.copy();
            } finally {
                real.files().forEach(StorageNode::close);
            }
            judge(left, model, bitmaps, folder);
        } else {
            work(files, model, options, bitmaps, ops);
            judge(files, model, bitmaps, folder);
        }
    }

    private static TestImage onDisk(TestImage files, Path folder) {
        List<StorageNode> opened =
                files.files().stream()
                        .map(each -> folder.resolve(each.name()).toString())
                        .map(each -> FileDriver.fast().open(each, StorageOptions.WRITE))
                        .toList();
        return files.in(opened);
    }

    private static void work(
            TestImage files,
            DiskModel model,
            FormatOptions options,
            BitmapHistory bitmaps,
            List<Op> ops) {
        try (Session session = new Session(files, model, options, () -> 0, false, bitmaps)) {
            session.run(ops);
            session.checkAll();
            session.flush();
        }
        files.check().assertClean();
    }

    private static void work(TestImage files, FormatOptions options, List<Op> ops) {
        work(files, files.model(), options, new BitmapHistory(), ops);
    }

    private static void judge(
            TestImage files, DiskModel model, BitmapHistory bitmaps, Path folder) {
        byte[] content;
        try (Image image = files.openToRead("")) {
            model.check(image, DiskModel.NOW);
            assertEquals(
                    bitmaps.names(),
                    List.copyOf(bitmaps.check(image, DiskModel.AFTER_ALL).keySet()));
            content = TestBytes.readArray(image, 0, (int) image.length());
        }
        for (DiskModel.Snapshot each : model.snapshots()) {
            try (Image image = files.openToRead(each.name())) {
                model.checkSnapshot(each, image);
            }
        }
        files.export(folder);
        Qemu.assertClean(folder);
        Qemu.assertReads(folder, content);
        model.snapshots().forEach(each -> Qemu.assertSnapshot(folder, each));
        if (files.spec().dataFile() == ImageSpec.DataFile.RAW) {
            StorageNode data = files.data().orElseThrow();
            assertEquals(content.length, data.length());
            assertArrayEquals(content, TestBytes.readArray(data, 0, content.length));
        }
    }
}
