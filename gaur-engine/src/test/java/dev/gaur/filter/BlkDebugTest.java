package dev.gaur.filter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.filter.DebugRule.InjectError;
import dev.gaur.filter.DebugRule.SetState;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.GrowingStorageContract;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Without rules it is storage as any other; with them it fails and stops where they say. */
class BlkDebugTest extends GrowingStorageContract {
    private static final int EIO = 5;

    @Override
    protected StorageNode storage(long length) {
        return new BlkDebug(new MemoryStorage("memory", length), List.of());
    }

    private static BlkDebug with(DebugRule... rules) {
        return new BlkDebug(new MemoryStorage("memory", 4096), List.of(rules));
    }

    private static InjectError error(BlockEvent event, int state, long offset, boolean once) {
        return new InjectError(event, state, DebugRule.ALL_IO, EIO, offset, once);
    }

    private static boolean reads(BlkDebug debug, long offset) {
        try {
            debug.read(offset, new byte[512], 0, 512);
            return true;
        } catch (BlockException.Media failure) {
            assertEquals(EIO, failure.errno());
            return false;
        }
    }

    @Test
    void anErrorIsInForceFromItsEventOn() {
        BlkDebug debug = with(error(BlockEvent.L2_LOAD, 0, -1, false));

        assertTrue(reads(debug, 0));
        debug.event(BlockEvent.L2_LOAD);
        assertFalse(reads(debug, 0));
        assertFalse(reads(debug, 0));
    }

    @Test
    void onceIsOnce() {
        BlkDebug debug = with(error(BlockEvent.NONE, 0, -1, true));

        assertFalse(reads(debug, 0));
        assertTrue(reads(debug, 0));
        debug.event(BlockEvent.NONE);
        assertTrue(reads(debug, 0));
    }

    @Test
    void anErrorOfOneSectorHitsNoOther() {
        BlkDebug debug = with(error(BlockEvent.NONE, 0, 1024, false));

        assertTrue(reads(debug, 0));
        assertFalse(reads(debug, 1024));
        assertTrue(reads(debug, 1536));
    }

    @Test
    void rulesWaitForTheirState() {
        BlkDebug debug =
                with(
                        new SetState(BlockEvent.L1_UPDATE, 1, 2),
                        error(BlockEvent.L2_LOAD, 2, -1, false));

        debug.event(BlockEvent.L2_LOAD);
        assertTrue(reads(debug, 0));
        debug.event(BlockEvent.L1_UPDATE);
        debug.event(BlockEvent.L2_LOAD);
        assertFalse(reads(debug, 0));
    }

    @Test
    void aBreakpointStopsOneRequest() {
        BlkDebug debug = with();
        assertFalse(debug.set("no_such_event", "A"));
        assertTrue(debug.set("write_aio", "A"));
        assertFalse(debug.resume("A"));

        CompletableFuture<Void> stopped =
                CompletableFuture.runAsync(() -> debug.event(BlockEvent.WRITE_AIO));
        debug.await("A");
        debug.event(BlockEvent.WRITE_AIO); // The next one passes.
        assertFalse(stopped.isDone());
        assertTrue(debug.resume("A"));
        stopped.join();
    }

    @Test
    void aBreakpointThatIsRemovedStopsNobody() {
        BlkDebug debug = with();
        debug.set("cow_read", "A");

        assertTrue(debug.remove("A"));
        assertFalse(debug.remove("A"));
        debug.event(BlockEvent.COW_READ);
    }

    @Test
    void everyNameOfAnEventIsFound() {
        for (BlockEvent event : BlockEvent.values()) {
            assertEquals(event, BlockEvent.named(event.text()).orElseThrow());
        }
        assertThrows(
                AssertionError.class,
                () -> BlockEvent.named("nothing").orElseThrow(AssertionError::new));
    }
}
