package dev.gaur.verify.bitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.StringJoiner;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.io.TempDir;

/** Gaur and QEMU change one image in turns; after each turn both say the same of its bitmaps. */
class BitmapOracleTest {
    private static final int SECTOR = 512;
    private static final int ROUNDS = 8;

    @TempDir Path folder;

    /** A bitmap as it should be. */
    private static final class Model {
        final DirtyBitmap bits;
        boolean enabled = true;

        Model(long size, long granularity) {
            bits = new DirtyBitmap(size, granularity);
        }
    }

    /** One image, what its bitmaps should be, and who changes it. */
    private final class Run {
        final Random random;
        final long size;
        final Path file = folder.resolve("disk.qcow2");
        final Map<String, Model> models = new LinkedHashMap<>();
        final StringJoiner story = new StringJoiner("\n");
        int next;

        Run(long seed) {
            random = new Random(seed);
            size = (1 + random.nextInt(40_000)) * (long) SECTOR;
            int clusterBits = 9 + random.nextInt(9);
            boolean extended = clusterBits >= 14 && random.nextBoolean();
            String options =
                    "cluster_size=%d,refcount_bits=%d,extended_l2=%s,lazy_refcounts=%s"
                            .formatted(
                                    1 << clusterBits,
                                    1 << random.nextInt(7),
                                    extended ? "on" : "off",
                                    random.nextBoolean() ? "on" : "off");
            tell("seed " + seed + ", " + size + " bytes, " + options);
            Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", options, file, size).ok();
        }

        void tell(String line) {
            story.add(line);
        }

        /** A range of whole sectors. */
        long[] range() {
            long offset = random.nextLong(size / SECTOR) * SECTOR;
            long most = Math.min(size - offset, 1 << (9 + random.nextInt(12)));
            return new long[] {offset, Math.max(SECTOR, most / SECTOR * SECTOR)};
        }

        void mark(long[] range) {
            models.values().stream()
                    .filter(each -> each.enabled)
                    .forEach(each -> each.bits.set(range[0], range[1]));
        }

        void qemuWrites() {
            List<Object> command = new ArrayList<>(List.of("-f", "qcow2", "-d", "unmap"));
            for (int i = random.nextInt(4); i >= 0; i--) {
                long[] range = range();
                mark(range);
                String[] verbs = {"write -P 7", "write -z", "write -zu", "discard"};
                String verb = verbs[random.nextInt(4)] + " " + range[0] + " " + range[1];
                tell("qemu " + verb);
                command.addAll(List.of("-c", verb));
            }
            command.add(file);
            Peers.run("qemu-io", command.toArray()).ok();
        }

        void gaurWrites() {
            OpenOptions options = OpenOptions.DEFAULT.withWritable(true);
            try (DiskImage image = Gaur.open(file, options)) {
                for (int i = random.nextInt(4); i >= 0; i--) {
                    gaurRequest(image.io(), range());
                }
            }
        }

        private void gaurRequest(BlockIo io, long[] range) {
            mark(range);
            tell("gaur " + range[0] + " " + range[1]);
            switch (random.nextInt(4)) {
                case 0 -> io.zero(range[0], range[1], ZeroMode.KEEP, Durability.CACHED);
                case 1 -> io.zero(range[0], range[1], ZeroMode.UNMAP, Durability.STABLE);
                case 2 -> io.discard(range[0], range[1]);
                default -> {
                    byte[] bytes = new byte[(int) range[1]];
                    random.nextBytes(bytes);
                    io.write(range[0], MemorySegment.ofArray(bytes), Durability.CACHED);
                }
            }
        }

        /** Changes bitmaps by the command of one of the two. */
        void command() {
            List<Object> command = new ArrayList<>(List.of("bitmap"));
            String name = models.isEmpty() ? "" : pick();
            switch (random.nextInt(models.size() < 2 ? 1 : 7)) {
                case 1 -> {
                    command.add("--remove");
                    models.remove(name);
                }
                case 2 -> {
                    command.add("--clear");
                    model(name).bits.clear();
                }
                case 3 -> {
                    command.addAll(List.of("--disable", "--enable", "--disable"));
                    model(name).enabled = false;
                }
                case 4 -> {
                    command.add("--enable");
                    model(name).enabled = true;
                }
                case 5, 6 -> {
                    String source = pick();
                    command.addAll(List.of("--merge", source));
                    model(name).bits.merge(model(source).bits);
                }
                default -> {
                    name = "bitmap " + next++;
                    long granularity = (long) SECTOR << random.nextInt(10);
                    command.addAll(List.of("--add", "-g", granularity));
                    models.put(name, new Model(size, granularity));
                }
            }
            command.addAll(List.of("-f", "qcow2", file, name));
            boolean ours = random.nextBoolean();
            tell((ours ? "gaur " : "qemu ") + command);
            Peers.Result result =
                    ours ? Cli.asQemuImg(command.toArray()) : Peers.qemuImg(command.toArray());
            assertEquals("", result.ok().out() + result.err(), this::toString);
        }

        private String pick() {
            return List.copyOf(models.keySet()).get(random.nextInt(models.size()));
        }

        private Model model(String name) {
            Model model = models.get(name);
            if (model == null) {
                throw new AssertionError(name);
            }
            return model;
        }

        void check() {
            Peers.Result theirs = Peers.qemuImg("check", "-f", "qcow2", file);
            assertEquals(0, theirs.status(), () -> theirs + "\n" + this);
            Peers.Result ours = Cli.asQemuImg("check", "-f", "qcow2", file);
            assertEquals(theirs.out(), ours.out(), this::toString);
            assertEquals(
                    Peers.qemuImg("info", "--output=json", file).ok().out(),
                    Cli.asQemuImg("info", "--output=json", file).ok().out(),
                    this::toString);
            models.forEach(this::checkBits);
        }

        private void checkBits(String name, Model model) {
            try (DiskImage image = Gaur.open(file)) {
                DirtyBitmap ours = image.bitmaps().orElseThrow().copyOf(name);
                assertEquals(text(model.bits), text(ours), () -> name + "\n" + this);
            }
            DirtyBitmap theirs = QemuBitmaps.read(file, name, size, model.bits.granularity());
            assertEquals(text(model.bits), text(theirs), () -> name + "\n" + this);
        }

        @Override
        public String toString() {
            return story.toString();
        }
    }

    /** The dirty ranges, in bits. */
    private static String text(DirtyBitmap bits) {
        StringBuilder text = new StringBuilder().append(bits.granularity());
        for (long bit = bits.nextBit(true, 0), end; bit < bits.bits(); ) {
            end = bits.nextBit(false, bit);
            text.append(' ').append(bit).append('-').append(end);
            bit = bits.nextBit(true, end);
        }
        return text.toString();
    }

    @RepeatedTest(12)
    void bothSayTheSameAfterEachTurn(RepetitionInfo info) {
        Run run = new Run(ImageZoo.SEED + info.getCurrentRepetition());
        for (int round = 0; round < ROUNDS; round++) {
            run.command();
            if (run.random.nextBoolean()) {
                run.qemuWrites();
            }
            if (run.random.nextBoolean()) {
                run.gaurWrites();
            }
            run.check();
        }
    }
}
