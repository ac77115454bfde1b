package dev.gaur.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A fault comes when it was planned, and does what it says. */
class FailingStorageTest {
    private static final Set<Call> WRITES = EnumSet.of(Call.WRITE);

    private final MemoryStorage real = new MemoryStorage("disk", 4096);

    private static void write(FailingStorage storage, int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 1);
        storage.write(0, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    @Test
    void onlyThePlannedCallFails() {
        FaultPlan plan = FaultPlan.once(WRITES, Fault.EIO, 2);
        FailingStorage storage = new FailingStorage(real, plan);
        write(storage, 512);
        storage.flush();
        BlockException.Media failed =
                assertThrows(BlockException.Media.class, () -> write(storage, 512));
        assertEquals(5, failed.errno());
        write(storage, 512);
        assertEquals(3, plan.calls());
    }

    @Test
    void allCallsFromThePlannedOneOnFail() {
        FailingStorage storage =
                new FailingStorage(real, FaultPlan.from(Call.changes(), Fault.ENOSPC, 2));
        storage.flush();
        assertFalse(storage.hasFailed());
        assertThrows(BlockException.Media.class, () -> storage.resize(8192));
        assertThrows(BlockException.Media.class, () -> storage.discard(0, 512));
        assertTrue(storage.hasFailed());
        storage.resize(512); // A full disk is no reason to keep a file long.
    }

    @Test
    void aShortWriteEndsWhereASectorDoes() {
        FailingStorage storage = new FailingStorage(real, FaultPlan.once(WRITES, Fault.SHORT, 1));
        assertThrows(BlockException.Media.class, () -> write(storage, 1500));
        byte[] expected = new byte[4096];
        Arrays.fill(expected, 0, 512, (byte) 1);
        assertTrue(Arrays.equals(expected, TestBytes.read(real, 0, 4096)));
    }

    @Test
    void plansAreSharedByFiles() {
        FaultPlan plan = FaultPlan.once(WRITES, Fault.EIO, 2);
        write(new FailingStorage(real, plan), 512);
        FailingStorage other = new FailingStorage(real, plan);
        assertThrows(BlockException.Media.class, () -> write(other, 512));
    }

    @Test
    void readsFailToo() {
        FailingStorage storage =
                new FailingStorage(real, FaultPlan.once(EnumSet.of(Call.READ), Fault.EIO, 1));
        write(storage, 512);
        assertThrows(BlockException.Media.class, () -> TestBytes.read(storage, 0, 512));
        assertEquals(1, TestBytes.read(storage, 0, 1)[0]);
    }
}
