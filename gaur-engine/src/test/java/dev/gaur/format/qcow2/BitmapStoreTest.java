package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.storage.memory.MemoryStorage;
import org.junit.jupiter.api.Test;

/** Bitmaps whose disk gets another size. */
class BitmapStoreTest {
    @Test
    void resizingAddsCleanBitsAndCutsOthers() {
        MemoryStorage file = Qcow2BitmapsTest.withBitmap("b");
        BitmapStore store = store(file);
        store.mark(0, Qcow2BitmapsTest.SIZE);
        store.requireResizable(2L * Qcow2BitmapsTest.SIZE);
        store.resized(2L * Qcow2BitmapsTest.SIZE);
        assertEquals(Math.ceilDiv(Qcow2BitmapsTest.SIZE, 4096), store.copyOf("b").count());
        store.mark(2L * Qcow2BitmapsTest.SIZE - 1, 1);
        store.resized(4096);
        assertEquals(1, store.copyOf("b").count());
        store.resized(8192);
        assertEquals(1, store.copyOf("b").count());
        store.markAll();
        assertEquals(2, store.copyOf("b").count());
        assertThrows(BlockException.Unsupported.class, () -> store.requireResizable(1L << 60));
    }

    @Test
    void resizingIsRefusedWithABitmapThatCannotFollow() {
        BitmapStore store = store(Qcow2BitmapsTest.crash(Qcow2BitmapsTest.withBitmap("b")));
        assertThrows(BlockException.Denied.class, () -> store.requireResizable(8192));
    }

    private static BitmapStore store(MemoryStorage file) {
        LiveHeader header = new LiveHeader(file, HeaderCodec.read(file));
        ClusterSet metadata = new ClusterSet();
        BitmapStore store = new BitmapStore(file, header);
        Health health = new Health("", header);
        Refcounts counts = new Refcounts(file, header, metadata, health, 1 << 20);
        store.attach(
                new ClusterAllocator(file, header.get().geometry(), counts, metadata, health),
                metadata);
        return store;
    }
}
