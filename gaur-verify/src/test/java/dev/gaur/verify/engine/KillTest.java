package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.StorageNode;
import dev.gaur.format.Image;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.testkit.DiskModel;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A process writes and is killed with SIGKILL. QEMU finds nothing but lost space, and the disk has
 * all that a flush had returned for, and of the rest old or new sectors.
 */
class KillTest {
    private static final int ROUNDS = ImageZoo.LONG ? 400 : 10;
    private static final int ACKNOWLEDGED_MAX = 150;
    private static final int KILLED = 128 + 9;

    private static final List<String> SPECS =
            List.of(
                    "v3 cluster=4k size=1024k",
                    "v3 cluster=64k size=4096k",
                    "v3 cluster=512 size=100k",
                    "v3 cluster=4k size=400k lazy",
                    "v3 cluster=4k size=1024k journal",
                    "v3 cluster=16k size=2048k ext");

    static LongStream seeds() {
        return LongStream.range(ImageZoo.SEED, ImageZoo.SEED + ROUNDS);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void whatWasFlushedSurvivesTheProcess(long seed) throws Exception {
        ImageSpec spec = ImageSpec.of(SPECS.get((int) (seed % SPECS.size())));
        Path folder = ImageZoo.workshop("kill-" + seed);
        TestImage created = TestImage.create(spec, new Random(0));
        created.export(folder);
        int last = writeAndKill(spec, folder, seed);
        List<Op> ops = KillWriter.ops(seed, spec);
        DiskModel model = created.model();
        int flushes = 0;
        for (int i = 0; i < ops.size() && (i <= last || !(ops.get(i) instanceof Op.Flush)); i++) {
            tell(model, ops.get(i), spec);
            flushes += ops.get(i) instanceof Op.Flush ? 1 : 0;
        }
        assertTrue(flushes > 0);
        new Story(seed, spec, List.of()).tell(() -> judge(created, folder, model));
    }

    /** Returns the last operation that was acknowledged. */
    private static int writeAndKill(ImageSpec spec, Path folder, long seed) throws Exception {
        int enough = 1 + new Random(seed).nextInt(ACKNOWLEDGED_MAX);
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:-UsePerfData",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                KillWriter.class.getName(),
                                spec.toString(),
                                folder.toString(),
                                Long.toString(seed))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        int last = -1;
        try (BufferedReader lines = process.inputReader()) {
            int count = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                last = Integer.parseInt(line);
                count++;
                if (count == enough) {
                    process.toHandle().destroyForcibly(); // Keeps the pipe.
                }
            }
        } catch (IOException _) {
            // The pipe broke with its writer.
        }
        assertEquals(KILLED, process.waitFor(), () -> "see " + folder.resolve("err"));
        return last;
    }

    /** Surefire hides the class path in a jar's manifest and says the real one here. */
    private static String classPath() {
        return System.getProperty(
                "surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private static void tell(DiskModel model, Op op, ImageSpec spec) {
        model.begin(0);
        switch (op) {
            case Op.Write(long at, int length, long seed, _) ->
                    model.write(at, Op.bytes(seed, length), true);
            case Op.Zero(long at, int length, _, _) -> model.zero(at, length, true);
            case Op.Discard(long at, int length) ->
                    model.zero(at, Math.min(length, spec.size() - at), true);
            case Op.Compressed(long at, int length, long seed) -> {
                int within = (int) Math.min(length, spec.size() - at);
                model.write(at, Op.bytes(seed, within), true);
            }
            case Op.Flush() -> model.flushed(0);
            default -> throw new AssertionError(op);
        }
    }

    private static void judge(TestImage created, Path folder, DiskModel model) {
        try (StorageNode storage = open(folder)) {
            TestImage left = created.in(List.of(storage)).copy();
            if (left.isDirty()) {
                Qemu.repair(folder);
            }
        }
        Qemu.assertIntact(folder);
        try (StorageNode storage = open(folder)) {
            TestImage files = created.in(List.of(storage));
            files.check().assertIntact();
            try (Image image = files.openToRead("")) {
                model.check(image, DiskModel.AFTER_ALL);
            }
        }
    }

    private static StorageNode open(Path folder) {
        String file = folder.resolve(TestImage.FILE).toString();
        return FileDriver.fast().open(file, StorageOptions.READ);
    }
}
