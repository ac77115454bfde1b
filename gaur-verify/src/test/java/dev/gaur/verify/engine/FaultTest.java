package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FaultPlan;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import dev.gaur.verify.zoo.ImageZoo;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every call to the files fails once, in turn, in several ways. The request that saw it fails, or a
 * later one, or the closing, unless nothing depends on the call ({@link #GO_ON}); the disk has old
 * or new bytes in each sector, nothing is corrupt, no bitmap claims less than what changed, and
 * opened again the image takes writes, after a repair if it is dirty.
 */
class FaultTest {
    private static final int SEEDS = ImageZoo.LONG ? 30 : 3;
    private static final int OPERATIONS = 16;
    private static final int QEMU_EVERY = 200;

    private final AtomicLong runs = new AtomicLong();

    private enum Way {
        ERROR_ONCE(Fault.EIO, Call.changes(), true),
        // Not of discards: those of freed space are asked for, and nobody minds if they fail. Nor
        // of
        // lengths: a file that cannot grow by a whole step is asked to grow by a cluster.
        FULL_ONCE(Fault.SHORT, EnumSet.of(Call.WRITE, Call.ZERO, Call.FLUSH), true),
        FULL_FROM_NOW_ON(Fault.ENOSPC, EnumSet.of(Call.WRITE, Call.ZERO, Call.RESIZE), false),
        DEAD_FROM_NOW_ON(Fault.EIO, EnumSet.allOf(Call.class), false),
        UNREADABLE_ONCE(Fault.EIO, EnumSet.of(Call.READ), true);

        private final Fault fault;
        private final EnumSet<Call> calls;
        private final boolean once;

        Way(Fault fault, Set<Call> calls, boolean once) {
            this.fault = fault;
            this.calls = EnumSet.copyOf(calls);
            this.once = once;
        }

        FaultPlan at(long n) {
            return once ? FaultPlan.once(calls, fault, n) : FaultPlan.from(calls, fault, n);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=512 size=24k",
                "v3 cluster=4k size=100k",
                "v3 cluster=4k size=60k rc=1",
                "v3 cluster=64k size=640k rc=64",
                "v2 cluster=1k size=40k",
                "v2 cluster=4k size=60k backing=qcow2:30k",
                "v3 cluster=1k size=40k lazy",
                "v3 cluster=16k size=160k ext",
                "v3 cluster=16k size=100k ext backing=qcow2:70k",
                "v3 cluster=4k size=100k backing=raw:60k zstd",
                "v3 cluster=4k size=60k pre=metadata",
                "v3 cluster=4k size=60k data",
                "v3 cluster=4k size=60k dataraw",
                "v3 cluster=512 size=60k journal=4k",
                "v3 cluster=4k size=100k journal backing=raw:60k rc=1",
                "v3 cluster=16k size=160k ext journal lazy",
                "raw size=40k"
            })
    void everyCallFailsOnce(String text, TestReporter reporter) {
        ImageSpec spec = ImageSpec.of(text);
        LongStream.range(ImageZoo.SEED, ImageZoo.SEED + SEEDS)
                .parallel()
                .forEach(seed -> failEverywhere(seed, spec));
        assertTrue(runs.get() > 20);
        reporter.publishEntry("runs", runs.toString());
    }

    private void failEverywhere(long seed, ImageSpec spec) {
        Random random = new Random(seed);
        List<Op> ops = Workload.random(random, spec, Workload.Extras.CLEAN, OPERATIONS);
        Story story = new Story(seed, spec, ops);
        for (Way way : Way.values()) {
            FaultPlan plan = way.at(Long.MAX_VALUE);
            for (long n = 1; n == 1 || plan.hasFailed(); n++) {
                plan = way.at(n);
                try {
                    run(seed, story, plan);
                } catch (RuntimeException | AssertionError failure) {
                    throw story.retold(plan + "\n", failure);
                }
            }
        }
    }

    private void run(long seed, Story story, FaultPlan plan) {
        long number = runs.incrementAndGet();
        TestImage files = TestImage.create(story.spec(), new Random(seed));
        List<StorageNode> failing = new ArrayList<>();
        files.files().forEach(each -> failing.add(new FailingStorage(each, plan)));
        DiskModel model = files.model();
        FormatOptions options =
                Workload.options(new Random(seed), story.spec())
                        .withCowCacheBytes(Workload.waiting(seed, story.spec()));
        BitmapHistory bitmaps = new BitmapHistory();
        int failures = work(files.in(failing), model, options, bitmaps, story.ops());
        if (failures == 0) {
            plan.failures().forEach(FaultTest::requireHarmless);
        }
        new AfterFaults(files, model, bitmaps).assertSound(number % QEMU_EVERY == 0);
    }

    /**
     * Who may go on as if nothing had failed, and after which calls. Without room there is no
     * journal, and its checkpoints are put off; what waits in the data cache waits on, and the next
     * flush tries again; a file grows by less than it might; it need not become shorter, nor have
     * holes; and a bitmap that cannot be read says that it is of no use.
     */
    private static final Map<String, Set<Call>> GO_ON =
            Map.of(
                    "Journal.takePlace", EnumSet.of(Call.RESIZE, Call.ZERO),
                    "WriteEngine.checkpoint", EnumSet.complementOf(EnumSet.of(Call.FLUSH)),
                    "CowCache.evict", EnumSet.complementOf(EnumSet.of(Call.FLUSH)),
                    "ClusterAllocator.step", EnumSet.of(Call.RESIZE),
                    "BitmapStore.load", EnumSet.of(Call.READ),
                    "FileEnd.cutTo", EnumSet.of(Call.RESIZE),
                    "WholeImage.trim", EnumSet.of(Call.RESIZE),
                    "WholeImage.finish", EnumSet.of(Call.DISCARD),
                    "WriteBack.discard", EnumSet.of(Call.DISCARD));

    private static void requireHarmless(FaultPlan.Failure failure) {
        boolean harmless =
                failure.callers().stream()
                        .map(each -> GO_ON.getOrDefault(each, Set.of()))
                        .anyMatch(calls -> calls.contains(failure.call()));
        if (!harmless) {
            throw new AssertionError("nobody heard of " + failure);
        }
    }

    /** Does all operations; returns how many failed. */
    private static int work(
            TestImage files,
            DiskModel model,
            FormatOptions options,
            BitmapHistory bitmaps,
            List<Op> ops) {
        Session session;
        try {
            session = new Session(files, model, options, () -> 0, true, bitmaps);
        } catch (BlockException _) {
            return 1;
        }
        try (session) {
            runAll(session, ops);
        } catch (BlockException _) {
            return session.failures() + 1; // Closing failed.
        }
        return session.failures();
    }

    private static void runAll(Session session, List<Op> ops) {
        try {
            session.run(ops);
            session.run(new Op.Flush());
        } catch (BlockException unexpected) { // The session counts those of requests.
            throw new AssertionError("failed outside of a request", unexpected);
        }
    }
}
