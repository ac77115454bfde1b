package dev.gaur.verify.engine;

import dev.gaur.block.BlockException;
import dev.gaur.format.FormatOptions;
import dev.gaur.testkit.DiskModel;
import dev.gaur.verify.zoo.ImageZoo;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;

/** The runs of {@link NoMemoryTest}, to be loaded by a {@link ScarceLoader}. */
public final class NoMemoryRuns {
    private static final int OPERATIONS = 12;
    private static final int QEMU_EVERY = 100;

    private final Story story;
    private final IntFunction<String> places;
    private int runs;

    private NoMemoryRuns(Story story, IntFunction<String> places) {
        this.story = story;
        this.places = places;
    }

    /**
     * Lacks memory once at each place that a random workload passes.
     *
     * @param text says which image
     * @param places names them
     * @return how many runs that were
     */
    public static int run(String text, long seed, IntFunction<String> places) {
        ImageSpec spec = ImageSpec.of(text);
        List<Op> ops =
                Workload.random(new Random(seed), spec, Workload.Extras.CLEAN, OPERATIONS).stream()
                        .filter(op -> !isOfBitmaps(op))
                        .toList();
        NoMemoryRuns all = new NoMemoryRuns(new Story(seed, spec, ops), places);
        all.run(-1, 1); // From now on all classes are there.
        Allocations.count();
        all.run(-1, 1);
        List<Integer> hits = Allocations.counted();
        Random random = new Random(seed);
        for (int place = 0; place < hits.size(); place++) {
            int times = hits.get(place);
            for (int n = 1; n <= times; n++) {
                if (ImageZoo.LONG || n == 1 + random.nextInt(times)) {
                    all.tell(place, n);
                }
            }
        }
        return all.runs;
    }

    /** Of one that failed nobody knows whether there is the bitmap. */
    private static boolean isOfBitmaps(Op op) {
        return op instanceof Op.AddBitmap
                || op instanceof Op.ClearBitmap
                || op instanceof Op.RemoveBitmap;
    }

    private void tell(int place, int n) {
        try {
            run(place, n);
        } catch (RuntimeException | AssertionError failure) {
            String where = "no memory, time %d, for %s%n".formatted(n, places.apply(place));
            throw story.retold(where, failure);
        } finally {
            Allocations.suffice();
        }
    }

    private void run(int place, int n) {
        long seed = story.seed();
        ImageSpec spec = story.spec();
        TestImage files = TestImage.create(spec, new Random(seed));
        DiskModel model = files.model();
        FormatOptions options =
                Workload.options(new Random(seed), spec)
                        .withCowCacheBytes(Workload.waiting(seed, spec));
        BitmapHistory bitmaps = new BitmapHistory();
        Allocations.lackAt(place, n);
        TestImage left = files;
        try (Session session = new Session(files, model, options, () -> 0, true, bitmaps)) {
            story.ops().forEach(op -> run(session, op));
            run(session, new Op.Flush());
            if (++runs % 2 == 0) { // Nobody closes it.
                left = files.copy();
            }
        } catch (BlockException | OutOfMemoryError _) {
            // It could not be opened or closed.
        }
        Allocations.suffice();
        new AfterFaults(left, model, bitmaps).assertIntact(runs % QEMU_EVERY == 0);
    }

    private static void run(Session session, Op op) {
        try {
            session.run(op);
        } catch (OutOfMemoryError _) {
            // When it asked what there is.
        }
    }
}
