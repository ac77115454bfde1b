package dev.gaur.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.storage.memory.MemoryStorage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The model allows what may happen, and nothing else. */
class DiskModelTest {
    private final DiskModel model = new DiskModel(sectors(1, 1), sectors(7, 7));

    /** A sector of each of these values. */
    private static byte[] sectors(int... values) {
        byte[] bytes = new byte[values.length * 512];
        for (int i = 0; i < values.length; i++) {
            Arrays.fill(bytes, i * 512, (i + 1) * 512, (byte) values[i]);
        }
        return bytes;
    }

    private void allows(long moment, int... values) {
        model.check(new MemoryStorage("disk", sectors(values)), moment);
    }

    private void forbids(long moment, int... values) {
        assertThrows(AssertionError.class, () -> allows(moment, values));
    }

    @Test
    void whatWasWrittenLastIsThere() {
        model.begin(0);
        model.write(512, sectors(2), true);
        allows(DiskModel.NOW, 1, 2);
        forbids(DiskModel.NOW, 1, 1);
        model.checkRead(600, new byte[] {2, 2});
        assertThrows(AssertionError.class, () -> model.checkRead(600, new byte[] {2, 1}));
    }

    @Test
    void afterACrashEachSectorHasAnyValueSinceTheLastFlush() {
        model.begin(0);
        model.write(0, sectors(2, 2), true);
        model.begin(1);
        model.flushed(2);
        model.begin(2);
        model.write(0, sectors(3, 3), true);
        model.begin(4);
        model.write(0, sectors(4), true);
        allows(5, 4, 3);
        allows(5, 3, 2);
        allows(5, 2, 2);
        forbids(5, 1, 2);
        forbids(5, 2, 4);
        forbids(4, 4, 2);
        allows(1, 1, 2);
    }

    @Test
    void aFailedWriteLeavesOldOrNew() {
        model.begin(0);
        model.write(0, sectors(2), false);
        allows(DiskModel.NOW, 1, 1);
        allows(DiskModel.NOW, 2, 1);
        model.begin(0);
        model.write(0, new byte[] {9}, true);
        byte[] old = sectors(1, 1);
        old[0] = 9;
        model.check(new MemoryStorage("disk", old), DiskModel.NOW);
        byte[] changed = sectors(2, 1);
        changed[0] = 9;
        model.check(new MemoryStorage("disk", changed), DiskModel.NOW);
        forbids(DiskModel.NOW, 2, 1);
    }

    @Test
    void whatFailedMayStillBeThereAfterAFlush() {
        model.begin(0);
        model.write(0, sectors(2), false);
        model.begin(0);
        model.flushed(0);
        allows(DiskModel.AFTER_ALL, 1, 1);
        allows(DiskModel.AFTER_ALL, 2, 1);
    }

    @Test
    void aStableWriteIsThereWithoutAFlush() {
        model.begin(0);
        model.write(0, sectors(2, 2), true);
        model.stable(0, 512, 1);
        allows(1, 2, 1);
        forbids(1, 1, 1);
        allows(DiskModel.AFTER_ALL, 2, 1);
    }

    @Test
    void discardedSectorsAreOldOrZero() {
        model.begin(0);
        model.discard(0, sectors(1, 0), 512, 1024);
        allows(DiskModel.NOW, 1, 0);
        forbids(DiskModel.NOW, 0, 0);
        assertThrows(AssertionError.class, () -> model.discard(0, sectors(5), 0, 0));
        assertThrows(AssertionError.class, () -> model.discard(0, sectors(1), 0, 512));
    }

    @Test
    void aDiskThatGrewIsZeroThereWhateverIsBelow() {
        model.begin(0);
        model.resize(1536, true, 3);
        allows(DiskModel.NOW, 1, 1, 0);
        allows(2, 1, 1);
        allows(2, 1, 1, 0);
        forbids(3, 1, 1);
        forbids(3, 1, 1, 7);
    }

    @Test
    void aDiskThatIsBeingCutMayShowWhatIsBelow() {
        model.begin(0);
        model.resize(512, true, 3);
        allows(2, 1);
        allows(2, 1, 7);
        allows(2, 1, 0);
        forbids(2, 1, 9);
        forbids(3, 1, 7);
        model.begin(4);
        model.resize(1024, true, 5);
        allows(DiskModel.NOW, 1, 0);
        allows(5, 1, 0);
        forbids(5, 1, 1);
    }

    @Test
    void snapshotsComeBack() {
        model.begin(0);
        model.take("a", 1024, true, 1);
        DiskModel.Snapshot taken = model.snapshots().getFirst();
        model.begin(1);
        model.write(0, sectors(2, 2), true);
        model.checkSnapshot(taken, new MemoryStorage("disk", sectors(1, 1)));
        assertThrows(
                AssertionError.class,
                () -> model.checkSnapshot(taken, new MemoryStorage("disk", sectors(2, 1))));
        model.begin(2);
        model.apply(taken, true, 4);
        allows(DiskModel.NOW, 1, 1);
        allows(3, 2, 1);
        forbids(4, 2, 1);
        assertEquals(1, model.checkSnapshots(List.of("a"), DiskModel.NOW).size());
        assertThrows(AssertionError.class, () -> model.checkSnapshots(List.of(), DiskModel.NOW));
        model.begin(5);
        model.delete("a", true, 7);
        assertEquals(1, model.checkSnapshots(List.of("a"), 6).size());
        assertEquals(0, model.checkSnapshots(List.of(), 6).size());
        assertEquals(0, model.checkSnapshots(List.of(), 7).size());
    }
}
