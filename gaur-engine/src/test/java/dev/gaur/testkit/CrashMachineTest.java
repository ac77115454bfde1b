package dev.gaur.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine.Discards;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The machine loses what a real one may lose, and nothing else. */
class CrashMachineTest {
    private final CrashMachine machine = new CrashMachine(Discards.ZERO);

    private StorageNode storage(long length) {
        return machine.disk(new MemoryStorage("disk", length));
    }

    private static MemorySegment sectors(int count, int value) {
        byte[] bytes = new byte[count * 512];
        Arrays.fill(bytes, (byte) value);
        return MemorySegment.ofArray(bytes);
    }

    /** All states a crash can leave now, each as its length and the first byte of each sector. */
    private static Set<String> states(CrashReplay replay) {
        Set<String> found = new TreeSet<>();
        long states = replay.states(1000);
        assertTrue(states < 1000, "too many");
        for (long i = 0; i < states; i++) {
            found.add(text(replay.crash(i).getFirst()));
        }
        return found;
    }

    private static String text(MemoryStorage disk) {
        byte[] bytes = TestBytes.read(disk, 0, (int) disk.length());
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < bytes.length; at += 512) {
            text.append(bytes[at]);
        }
        return text.toString();
    }

    private CrashReplay atTheEnd() {
        CrashReplay replay = machine.replay();
        while (replay.next()) {
            assertTrue(replay.position() > 0);
        }
        return replay;
    }

    @Test
    void eachSectorSurvivesForItself() {
        StorageNode disk = storage(2 * 512);
        disk.write(0, sectors(2, 1), Durability.CACHED);
        assertEquals(Set.of("00", "01", "10", "11"), states(atTheEnd()));
    }

    @Test
    void everyVersionOfASectorMayBeFound() {
        StorageNode disk = storage(512);
        disk.write(0, sectors(1, 1), Durability.CACHED);
        disk.write(0, sectors(1, 2), Durability.CACHED);
        assertEquals(Set.of("0", "1", "2"), states(atTheEnd()));
    }

    @Test
    void whatWasFlushedIsThere() {
        StorageNode disk = storage(2 * 512);
        disk.write(0, sectors(1, 1), Durability.CACHED);
        disk.flush();
        disk.write(512, sectors(1, 2), Durability.CACHED);
        assertEquals(Set.of("10", "12"), states(atTheEnd()));
    }

    @Test
    void aStableWriteIsThereAndNothingElse() {
        StorageNode disk = storage(2 * 512);
        disk.write(0, sectors(1, 1), Durability.CACHED);
        disk.write(512, sectors(1, 2), Durability.STABLE);
        assertEquals(Set.of("02", "12"), states(atTheEnd()));
    }

    @Test
    void aFileThatGrewIsLongerOrNot() {
        StorageNode disk = storage(512);
        disk.write(512, sectors(2, 1), Durability.CACHED);
        assertEquals(Set.of("0", "000", "010", "001", "011", "01"), states(atTheEnd()));
    }

    @Test
    void aFileThatWasCutIsShorterOrNot() {
        StorageNode disk = storage(0);
        disk.write(0, sectors(2, 1), Durability.STABLE);
        disk.resize(512);
        assertEquals(Set.of("1", "11", "10"), states(atTheEnd()));
    }

    @Test
    void whatWasDiscardedIsThereOrNot() {
        StorageNode disk = storage(0);
        disk.write(0, sectors(2, 1), Durability.STABLE);
        disk.discard(512, 512);
        assertEquals(Set.of("11", "10"), states(atTheEnd()));
    }

    @Test
    void theReplayShowsEveryMomentFromTheFirst() {
        StorageNode disk = storage(512);
        disk.write(0, sectors(1, 1), Durability.CACHED);
        disk.flush();
        CrashReplay replay = machine.replay();
        assertEquals(Set.of("0"), states(replay));
        assertTrue(replay.next());
        assertEquals(Set.of("0", "1"), states(replay));
        assertTrue(replay.next());
        assertEquals(Set.of("1"), states(replay));
        assertFalse(replay.next());
    }

    @Test
    void randomCrashesComeToEveryState() {
        StorageNode disk = storage(2 * 512);
        disk.write(0, sectors(2, 1), Durability.CACHED);
        disk.write(512, sectors(1, 2), Durability.CACHED);
        CrashReplay replay = atTheEnd();
        Random random = new Random(20261122);
        Set<String> found = new TreeSet<>();
        for (int i = 0; i < 500; i++) {
            found.add(text(replay.crash(random).getFirst()));
        }
        assertEquals(states(replay), found);
    }

    @Test
    void discardedBytesAreGarbageIfWished() {
        CrashMachine other = new CrashMachine(Discards.GARBAGE);
        StorageNode disk = other.disk(new MemoryStorage("disk", 0));
        disk.write(0, sectors(2, 1), Durability.CACHED);
        disk.discard(512, 512);
        byte[] expected = new byte[512];
        Arrays.fill(expected, (byte) 0xdd);
        assertArrayEquals(expected, TestBytes.read(disk, 512, 512));
    }
}
