package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.sync.Together;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CowHelpersTest {
    private static final int MOST = 2;

    private final List<Runnable> begun = new ArrayList<>();

    private static List<List<CachedCluster>> groups(int count, int each) {
        return IntStream.range(0, count)
                .mapToObj(group -> IntStream.range(group * each, (group + 1) * each))
                .map(group -> group.mapToObj(CowHelpersTest::cluster).toList())
                .toList();
    }

    private static CachedCluster cluster(int number) {
        return new CachedCluster(number, number, MemorySegment.NULL, 0, 1, 0);
    }

    @Test
    void noMoreMakeRoomThanMay() {
        var helpers = new CowHelpers(begun::add, work -> false, MOST);
        AtomicInteger made = new AtomicInteger();
        for (int i = 0; i < 5; i++) {
            helpers.makeRoom(() -> made.incrementAndGet() % 4 != 0);
        }
        assertEquals(MOST, begun.size());
        begun.removeFirst().run();
        assertEquals(4, made.get(), "until there is enough");
        helpers.makeRoom(() -> true);
        helpers.makeRoom(() -> true);
        assertEquals(MOST, begun.size(), "one more, for the one that has ended");
    }

    @Test
    void whoMakesRoomEndsSoon() {
        var helpers = new CowHelpers(begun::add, work -> false, 1);
        AtomicInteger made = new AtomicInteger();
        helpers.makeRoom(() -> made.incrementAndGet() > 0);
        begun.removeFirst().run();
        assertEquals(16, made.get());
    }

    @Test
    void whoIsNotThereDoesNotCount() {
        AtomicInteger asked = new AtomicInteger();
        var helpers = new CowHelpers(work -> asked.incrementAndGet() > 3, work -> false, 1);
        for (int i = 0; i < 5; i++) {
            helpers.makeRoom(() -> true);
        }
        assertEquals(4, asked.get(), "asked again until somebody came");
        assertFalse(CowHelpers.none().tryRun(() -> {}));
    }

    @Test
    void whoFailsWhileMakingRoomIsNotMissed() {
        var helpers = new CowHelpers(begun::add, work -> false, 1);
        helpers.makeRoom(
                () -> {
                    throw new IllegalStateException("made up");
                });
        assertThrows(IllegalStateException.class, begun.removeFirst()::run);
        helpers.makeRoom(() -> true);
        assertEquals(1, begun.size());
    }

    @Test
    void eachClusterHasItsTurnOnceWhoeverHelps() {
        for (boolean helped : new boolean[] {false, true}) {
            var done = new ConcurrentLinkedQueue<Long>();
            Together.Side own =
                    work -> {
                        if (helped) {
                            Thread.ofPlatform().start(work);
                        }
                        return helped;
                    };
            new CowHelpers(work -> false, own, MOST)
                    .forEach(groups(50, 2), all -> all.forEach(each -> done.add(each.number())));
            assertEquals(
                    IntStream.range(0, 100).asLongStream().boxed().toList(),
                    done.stream().sorted().toList());
        }
    }

    @Test
    void fewClustersAreOnesOwnWork() {
        AtomicInteger asked = new AtomicInteger();
        var helpers = new CowHelpers(work -> false, work -> asked.incrementAndGet() < 0, MOST);
        helpers.forEach(groups(3, 4), each -> {});
        assertEquals(0, asked.get());
        helpers.forEach(groups(4, 4), each -> {});
        assertEquals(1, asked.get());
    }
}
