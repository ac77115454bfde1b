package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageContract;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A part reads and writes as storage of its size does. */
class DiskPartTest extends StorageContract {
    private static final int BEFORE = 700;
    private static final int BEHIND = 300;

    /** Storage whose requests go through a part; all else a part does not have. */
    private static final class Part extends StorageWrapper {
        private final MemoryStorage whole;
        private DiskPart part;

        Part(MemoryStorage whole) {
            super(whole);
            this.whole = whole;
            this.part = part();
        }

        private DiskPart part() {
            return new DiskPart(whole, BEFORE, whole.length() - BEFORE - BEHIND);
        }

        @Override
        public void resize(long newLength) {
            whole.resize(BEFORE + newLength); // What comes back reads as zeros.
            whole.resize(BEFORE + newLength + BEHIND);
            part = part();
        }

        /** Storage grows; a part does not. */
        private void growTo(long end) {
            if (end > part.length()) {
                resize(end);
            }
        }

        @Override
        public long length() {
            return part.length();
        }

        @Override
        public void read(long offset, MemorySegment target) {
            part.read(offset, target);
        }

        @Override
        public boolean tryRead(long offset, MemorySegment target) {
            return part.tryRead(offset, target);
        }

        @Override
        public boolean prefetch(long offset, long count) {
            return part.prefetch(offset, count);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            growTo(offset + source.byteSize());
            part.write(offset, source, durability);
        }

        @Override
        public void zero(long offset, long count, ZeroMode mode, Durability durability) {
            growTo(offset + count);
            part.zero(offset, count, mode, durability);
        }

        @Override
        public void discard(long offset, long count) {
            part.discard(offset, count);
        }

        @Override
        public void extents(long offset, long count, ExtentVisitor visitor) {
            part.extents(offset, count, visitor);
        }

        @Override
        public void close() {
            whole.close();
        }
    }

    @Override
    protected StorageNode storage(long length) {
        return new Part(new MemoryStorage("whole", BEFORE + length + BEHIND));
    }

    @Test
    void touchesNothingOutside() {
        byte[] before = new byte[3000];
        Arrays.fill(before, (byte) 7);
        MemoryStorage whole = new MemoryStorage("whole", before.clone());
        DiskPart part = new DiskPart(whole, 1000, 512);

        part.write(0, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
        part.zero(0, 512, ZeroMode.UNMAP, Durability.CACHED);
        part.discard(0, 512);

        byte[] after = TestBytes.read(whole, 0, 3000);
        Arrays.fill(before, 1000, 1512, (byte) 0);
        assertArrayEquals(before, after);
        MemorySegment two = MemorySegment.ofArray(new byte[2]);
        for (long offset : new long[] {-1, 511, 512, Long.MAX_VALUE}) {
            assertThrows(IndexOutOfBoundsException.class, () -> part.read(offset, two));
            assertThrows(IndexOutOfBoundsException.class, () -> part.tryRead(offset, two));
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> part.write(offset, two, Durability.CACHED));
            assertThrows(IndexOutOfBoundsException.class, () -> part.discard(offset, 2));
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> part.zero(offset, 2, ZeroMode.UNMAP, Durability.CACHED));
            assertThrows(IndexOutOfBoundsException.class, () -> part.extents(offset, 2, _ -> true));
        }
    }

    @Test
    void extentsBeginWhereThePartDoes() {
        byte[] ones = new byte[3000];
        Arrays.fill(ones, (byte) 1);
        DiskPart part = new DiskPart(new MemoryStorage("whole", ones), 1000, 512);
        List<Extent> found = new ArrayList<>();

        part.extents(100, 412, found::add);

        assertEquals(100, found.getFirst().offset());
        assertEquals(1100, ((Extent.Data) found.getFirst()).hostOffset());
        assertEquals(512, found.getLast().end());
    }

    @Test
    void isWithinTheDisk() {
        MemoryStorage whole = new MemoryStorage("whole", 3000);
        assertThrows(IndexOutOfBoundsException.class, () -> new DiskPart(whole, 2500, 501));
        assertThrows(IndexOutOfBoundsException.class, () -> new DiskPart(whole, -1, 1));
        assertEquals(0, new DiskPart(whole, 3000, 0).length());
    }
}
