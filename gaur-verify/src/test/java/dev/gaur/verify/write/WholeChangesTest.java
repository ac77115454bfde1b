package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Script;
import dev.gaur.verify.zoo.Shape;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Snapshots, sizes and options of images are changed as qemu-img changes them, and each program
 * goes on with the image that the other has changed.
 */
class WholeChangesTest {
    /** With larger clusters qemu-img takes up to minutes for another width of counts. */
    private static final int QEMU_IN_TIME = 4096;

    private static final int STEPS = ImageZoo.LONG ? 60 : 14;

    static Stream<Shape> shapes() {
        return Shape.all().stream();
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void randomChangesComeToTheSame(Shape shape) {
        change(shape, 0);
    }

    static Stream<Shape> overlays() {
        return Shape.all().stream().filter(Shape::overlays).filter(it -> !it.hasDataFile());
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void overlaysToo(Shape shape) {
        change(shape, shape.size() / 2 / 512 * 512);
        change(shape, shape.size() * 3 / 2 / 512 * 512);
    }

    private static void change(Shape shape, long backing) {
        String name = shape.name() + "-" + backing;
        Random random = new Random(ImageZoo.SEED ^ name.hashCode());
        String message = name + ", seed " + ImageZoo.SEED;
        Twins twins = Twins.of(name, shape, backing, message);
        twins.write(Script.random(random, shape, 10));
        for (int step = 0; step < STEPS; step++) {
            change(twins, shape, random);
            if (step % 4 == 3) {
                twins.assertSame();
                twins.swap();
            }
        }
        twins.assertSame();
    }

    private static void change(Twins twins, Shape shape, Random random) {
        switch (random.nextInt(8)) {
            case 0, 1 -> twins.both("snapshot", "-c", "s" + random.nextInt(3), Twins.IMAGE);
            case 2 -> twins.both("snapshot", "-d", "s" + random.nextInt(3), Twins.IMAGE);
            case 3 -> twins.both("snapshot", "-a", "s" + random.nextInt(3), Twins.IMAGE);
            case 4 -> {
                // QEMU shows again what lies in the rest of a cluster that was cut in two.
                long wanted = shape.size() / 2 + random.nextLong(shape.size());
                wanted = Math.ceilDiv(wanted, shape.clusterSize()) * shape.clusterSize();
                if (resize(twins, wanted)) {
                    twins.both("resize", "--shrink", Twins.IMAGE, Long.toString(shape.size()));
                }
            }
            case 5 -> {
                if (shape.isV3() && shape.clusterSize() <= QEMU_IN_TIME) {
                    String[] bits = {"1", "2", "4", "8", "16", "32", "64"};
                    amend(twins, "refcount_bits=" + bits[random.nextInt(bits.length)]);
                }
            }
            case 6 -> amend(twins, "lazy_refcounts=" + (random.nextBoolean() ? "on" : "off"));
            default -> twins.write(scriptWithoutCompression(random, shape));
        }
    }

    private static boolean resize(Twins twins, long wanted) {
        return twins.both("resize", "--shrink", Twins.IMAGE, Long.toString(wanted)) == 0;
    }

    private static void amend(Twins twins, String option) {
        twins.both("amend", "-o", option, Twins.IMAGE);
    }

    /** QEMU takes compressed writes only where nothing is. */
    private static List<String> scriptWithoutCompression(Random random, Shape shape) {
        return Script.random(random, shape, 5).stream()
                .filter(line -> !line.contains("write -c"))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "snapshot",
                "snapshot IMAGE",
                "snapshot -l",
                "snapshot -c",
                "snapshot -c x -d y IMAGE",
                "snapshot -c x IMAGE IMAGE",
                "snapshot -a none IMAGE",
                "snapshot -d none IMAGE",
                "snapshot -c x -l IMAGE",
                "snapshot -U -c x IMAGE",
                "snapshot -U -l IMAGE",
                "resize",
                "resize IMAGE",
                "resize IMAGE 2M 3M",
                "resize IMAGE +",
                "resize IMAGE 512k",
                "resize -q IMAGE 9M",
                "resize IMAGE 1000",
                "resize IMAGE 5000000",
                "resize --shrink IMAGE 1000",
                "resize --shrink IMAGE 0",
                "resize IMAGE -1",
                "resize IMAGE -512k",
                "resize --shrink IMAGE -512k",
                "resize --shrink IMAGE -- -512k",
                "resize IMAGE 9E",
                "resize IMAGE 1E",
                "resize IMAGE +8E",
                "resize IMAGE xyz",
                "resize IMAGE +1x",
                "resize --preallocation=xx IMAGE 7M",
                "resize --preallocation=full --shrink IMAGE 512",
                "resize IMAGE +0",
                "resize IMAGE 2M --",
                "resize --preallocation=metadata -f raw IMAGE 4M",
                "resize /missing 1M",
                "amend",
                "amend IMAGE",
                "amend -o help IMAGE",
                "amend -o help -f qcow2",
                "amend -o help -f raw",
                "amend -o compat=0.10",
                "amend -o compat=zz IMAGE",
                "amend -o lazy_refcounts=on,compat=0.10 IMAGE",
                "amend -o refcount_bits=7 IMAGE",
                "amend -o refcount_bits=128 IMAGE",
                "amend -o refcount_bits=8,compat=0.10 IMAGE",
                "amend -o size=1000000 IMAGE",
                "amend -o size=xx IMAGE",
                "amend -o size=0 IMAGE",
                "amend -o backing_file=raw IMAGE",
                "amend -o backing_fmt=raw IMAGE",
                "amend -o data_file=x IMAGE",
                "amend -o data_file_raw=on IMAGE",
                "amend -o cluster_size=4k IMAGE",
                "amend -o preallocation=metadata IMAGE",
                "amend -o extended_l2=on IMAGE",
                "amend -o encryption=on IMAGE",
                "amend -o nosuch=1 IMAGE",
                "amend -o nocow=on IMAGE",
                "amend -o lazy_refcounts=zz IMAGE",
                "amend -t zz -o compat=v3 IMAGE",
                "amend -p -o compat=v2 IMAGE",
                "amend -o compat=v3 IMAGE IMAGE"
            })
    void theSameWordsAndExitCode(String line) {
        String name = "words" + Integer.toHexString(line.hashCode());
        Twins twins = Twins.of(name, shape("64k").sized(1 << 20), 0, line);
        twins.both(line.replace("IMAGE", Twins.IMAGE).split(" "));
        twins.assertSame();
    }

    private static Shape shape(String name) {
        return Shape.all().stream().filter(it -> it.name().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void version2AndBack() {
        for (String name : List.of("64k", "4k", "512", "lazy", "pre-meta")) {
            for (long backing : new long[] {0, 1 << 20}) {
                Shape shape = shape(name);
                if (backing > 0 && !shape.overlays()) {
                    continue;
                }
                String message = "v2 " + name + " on " + backing + ", seed " + ImageZoo.SEED;
                Random random = new Random(ImageZoo.SEED ^ message.hashCode());
                Twins twins = Twins.of("v2-" + name + "-" + backing, shape, backing, message);
                // QEMU mistakes places of zeros that several tables have: it overwrites others'
                // data.
                twins.write(unmapping(Script.random(random, shape, 12)));
                assertEquals(0, twins.both("snapshot", "-c", "one", Twins.IMAGE));
                twins.write(unmapping(scriptWithoutCompression(random, shape)));
                assertEquals(0, twins.both("amend", "-o", "compat=0.10", Twins.IMAGE));
                twins.assertSame();
                twins.swap();
                assertEquals(0, twins.both("amend", "-o", "compat=1.1", Twins.IMAGE));
                twins.write(scriptWithoutCompression(random, shape));
                twins.both("snapshot", "-a", "one", Twins.IMAGE);
                twins.assertSame();
            }
        }
    }

    private static List<String> unmapping(List<String> script) {
        return script.stream()
                .map(line -> line.contains("-u") ? line : line.replace("write -z", "write -z -u"))
                .toList();
    }

    @Test
    void vmStateStaysWithItsSnapshot() {
        Shape shape = shape("64k");
        Twins twins = Twins.of("vmstate", shape, 0, "VM state");
        List<String> state = List.of("write -b -P 7 0 300k", "write -P 9 0 1M");
        twins.write(state);
        assertEquals(0, twins.both("snapshot", "-c", "one", Twins.IMAGE));
        twins.assertSame();
        twins.write(List.of("write -b -P 8 0 64k", "write -P 10 64k 1M"));
        twins.assertSame();
        twins.swap();
        assertEquals(0, twins.both("snapshot", "-a", "one", Twins.IMAGE));
        twins.write(List.of("read -b -P 7 0 300k", "read -P 9 0 1M"));
        twins.assertSame();
        assertEquals(0, twins.both("snapshot", "-d", "one", Twins.IMAGE));
        twins.write(List.of("read -b -P 7 0 300k", "read -P 9 0 1M"));
        twins.assertSame();
    }

    @ParameterizedTest
    @ValueSource(strings = {"off", "metadata", "falloc", "full"})
    void largerWithEveryPreallocation(String preallocation) {
        for (Shape shape : List.of(shape("64k"), shape("4k"), shape("ext-16k"), shape("v2-512"))) {
            String name = shape.name() + "-" + preallocation;
            Twins twins = Twins.of("grow-" + name, shape, 0, name);
            twins.write(List.of("write -s words 0 " + shape.size()));
            String option = "--preallocation=" + preallocation;
            assertEquals(0, twins.both("resize", option, Twins.IMAGE, "+3000320"));
            twins.assertSame();
            twins.swap();
            twins.write(List.of("write -s noise " + shape.size() + " 1M"));
            assertEquals(0, twins.both("resize", "--shrink", Twins.IMAGE, "-3000320"));
            twins.assertSame();
        }
    }
}
