package dev.gaur.verify.engine;

import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every pair of operations on ranges of the 32 subclusters of a cluster, over each state that a
 * cluster can have before. Ranges begin and end at the edges 0, 1, 2, 16, 17, 31 and 32 (21 ranges;
 * all 528 in the long run), or within a sector of them; each pair has a cluster of its own.
 */
class SubclusterPairsTest {
    private static final int SUBCLUSTER = 512;
    private static final int CLUSTER = 32 * SUBCLUSTER;

    /** Clusters of one image. */
    private static final int CLUSTERS = 64;

    private static final int[] EDGES = {0, 1, 2, 16, 17, 31, 32};

    private final AtomicLong pairs = new AtomicLong();

    /** What a cluster is before the pair comes. */
    private enum Before {
        /** Nothing is there but what the backing file has. */
        EMPTY,
        /** Data. */
        WRITTEN,
        /** Every other subcluster has data. */
        COMB,
        /** Zero, with space. */
        ZERO,
        /** Compressed. */
        COMPRESSED,
        /** Every other subcluster has data, which belongs to a snapshot too. */
        SHARED_COMB,
        /** Compressed, for a snapshot too. */
        SHARED_COMPRESSED
    }

    /** Operations on the first cluster of a disk. */
    private static List<Op> alphabet(boolean all) {
        List<Op> ops = new ArrayList<>();
        for (int from = 0; from < 32; from++) {
            for (int to = from + 1; to <= 32; to++) {
                if (all || (isEdge(from) && isEdge(to))) {
                    ops.addAll(onRange(from * SUBCLUSTER, (to - from) * SUBCLUSTER));
                }
            }
        }
        return ops;
    }

    private static boolean isEdge(int subcluster) {
        return IntStream.of(EDGES).anyMatch(edge -> edge == subcluster);
    }

    private static List<Op> onRange(int offset, int length) {
        return List.of(
                new Op.Write(offset, length, 2 + 4L * offset, false),
                new Op.Write(offset + 100, length - 200, 3 + 4L * offset, false),
                new Op.Zero(offset, length, ZeroMode.KEEP, false),
                new Op.Zero(offset, length, ZeroMode.UNMAP, false),
                new Op.Discard(offset, length));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=16k size=1024k ext backing=raw:1000k",
                "v3 cluster=16k size=1024k ext"
            })
    void everyPairOverEveryState(String text, TestReporter reporter) {
        ImageSpec spec = ImageSpec.of(text);
        TestImage empty = TestImage.create(spec, new Random(ImageZoo.SEED));
        for (Before before : Before.values()) {
            run(empty, before, alphabet(false), alphabet(false));
            if (ImageZoo.LONG) {
                run(empty, before, alphabet(true), onRange(CLUSTER / 2, SUBCLUSTER));
                run(empty, before, onRange(CLUSTER / 2, SUBCLUSTER), alphabet(true));
            }
        }
        reporter.publishEntry("pairs", pairs.toString());
    }

    private void run(TestImage empty, Before before, List<Op> firsts, List<Op> seconds) {
        int total = firsts.size() * seconds.size();
        IntStream.range(0, Math.ceilDiv(total, CLUSTERS))
                .parallel()
                .forEach(
                        batch -> {
                            List<Op> ops = new ArrayList<>(prepare(before));
                            for (int i = 0; i < CLUSTERS; i++) {
                                int pair = batch * CLUSTERS + i;
                                if (pair < total) {
                                    long at = (long) i * CLUSTER;
                                    ops.add(at(firsts.get(pair / seconds.size()), at));
                                    ops.add(at(seconds.get(pair % seconds.size()), at));
                                    pairs.incrementAndGet();
                                }
                            }
                            new Story(ImageZoo.SEED, empty.spec(), ops)
                                    .tell(() -> runOne(empty, ops, batch));
                        });
    }

    private static Op at(Op op, long offset) {
        return switch (op) {
            case Op.Write(long at, int length, long seed, boolean stable) ->
                    new Op.Write(offset + at, length, seed + offset * 4, stable);
            case Op.Zero(long at, int length, ZeroMode mode, boolean stable) ->
                    new Op.Zero(offset + at, length, mode, stable);
            case Op.Discard(long at, int length) -> new Op.Discard(offset + at, length);
            default -> throw new AssertionError(op);
        };
    }

    private static List<Op> prepare(Before before) {
        int size = CLUSTERS * CLUSTER;
        return switch (before) {
            case EMPTY -> List.of();
            case WRITTEN -> List.of(new Op.Write(0, size, 6, false));
            case COMB -> comb();
            case ZERO ->
                    List.of(
                            new Op.Write(0, size, 6, false),
                            new Op.Zero(0, size, ZeroMode.KEEP, false));
            case COMPRESSED -> List.of(new Op.Compressed(0, size, 4));
            case SHARED_COMB -> {
                List<Op> ops = new ArrayList<>(comb());
                ops.add(new Op.Take("a"));
                yield ops;
            }
            case SHARED_COMPRESSED -> List.of(new Op.Compressed(0, size, 4), new Op.Take("a"));
        };
    }

    private static List<Op> comb() {
        List<Op> ops = new ArrayList<>();
        for (int at = 0; at < CLUSTERS * CLUSTER; at += 2 * SUBCLUSTER) {
            ops.add(new Op.Write(at, SUBCLUSTER, 2 + 4L * at, false));
        }
        return ops;
    }

    private static void runOne(TestImage empty, List<Op> ops, int batch) {
        TestImage files = empty.copy();
        DiskModel model = files.model();
        try (Session session = Session.of(files, model, batch)) {
            session.run(ops);
            session.checkAll();
            session.flush();
        }
        files.check().assertClean();
        byte[] content;
        try (Image image = files.openToRead("")) {
            model.check(image, DiskModel.NOW);
            content = TestBytes.readArray(image, 0, (int) image.length());
        }
        for (DiskModel.Snapshot each : model.snapshots()) {
            try (Image image = files.openToRead(each.name())) {
                model.checkSnapshot(each, image);
            }
        }
        if (batch % 20 == 0) {
            Path folder = ImageZoo.workshop("pairs-" + Thread.currentThread().threadId());
            files.export(folder);
            Qemu.assertClean(folder);
            Qemu.assertReads(folder, content);
        }
    }
}
