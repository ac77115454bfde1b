package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.zoo.ImageZoo;
import java.lang.reflect.InvocationTargetException;
import java.util.function.IntFunction;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The heap is exhausted once, wherever the engine asks for memory: in the middle of a write-out,
 * between a count and the map of free clusters, in a commit. Requests fail then, or all from then
 * on; but what a flush has called stable is there, nothing more is wrong with the image than leaks,
 * and opened again it takes writes.
 */
class NoMemoryTest {
    private static final int SEEDS = ImageZoo.LONG ? 3 : 1;

    private final ScarceLoader loader = new ScarceLoader();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=512 size=24k rc=64",
                "v3 cluster=4k size=100k backing=raw:60k",
                "v3 cluster=1k size=40k lazy",
                "v3 cluster=16k size=100k ext backing=qcow2:70k",
                "v3 cluster=512 size=60k journal=4k",
                "v3 cluster=4k size=100k journal backing=raw:60k"
            })
    @Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void whereverThereIsNoneNothingStableIsLost(String text, TestReporter reporter)
            throws ReflectiveOperationException {
        Class<?> runs = loader.loadClass(NoMemoryRuns.class.getName());
        var run = runs.getMethod("run", String.class, long.class, IntFunction.class);
        IntFunction<String> places = loader::place;
        int all = 0;
        for (long seed = ImageZoo.SEED + 1; seed <= ImageZoo.SEED + SEEDS; seed++) {
            try {
                all += (int) run.invoke(null, text, seed, places);
            } catch (InvocationTargetException failed) {
                throw new AssertionError("in the other classes", failed.getCause());
            }
        }
        assertTrue(all > 100, all + " runs");
        reporter.publishEntry("runs", Integer.toString(all));
    }
}
