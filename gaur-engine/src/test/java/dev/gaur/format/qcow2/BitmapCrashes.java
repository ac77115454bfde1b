package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageWrapper;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Storage that remembers every change, and makes the files that a crash may leave. */
final class BitmapCrashes extends StorageWrapper {
    private static final int SECTOR = 512;
    private static final int ENOSPC = 28;

    /** A change; no bytes for a flush or a new length. */
    private record Change(long offset, byte[] bytes, boolean stable, boolean flush) {}

    private final byte[] first;
    private final List<Change> changes = new ArrayList<>();
    private boolean full;

    BitmapCrashes(StorageNode file) {
        super(BitmapDisk.copy(file));
        this.first = BitmapDisk.bytes(file);
    }

    /** Lets the file grow no more. */
    void setFull() {
        full = true;
    }

    /** How many changes and flushes there were. */
    int size() {
        return changes.size();
    }

    /**
     * What a crash before change {@code index} may leave: all that is stable, and of the rest the
     * sectors that {@code random} picks.
     *
     * @param chance of a sector, in percent
     */
    MemoryStorage crashBefore(int index, int chance, Random random) {
        int stable = 0;
        for (int i = 0; i < index; i++) {
            if (changes.get(i).flush()) {
                stable = i;
            }
        }
        MemoryStorage left = new MemoryStorage("crashed", first);
        for (int i = 0; i < index; i++) {
            Change change = changes.get(i);
            boolean all = i < stable || change.stable();
            if (change.offset() < 0 && !change.flush()) {
                left.resize(-change.offset());
                continue;
            }
            for (int at = 0; at < change.bytes().length; ) {
                long place = change.offset() + at;
                int size = (int) Math.min(change.bytes().length - at, SECTOR - place % SECTOR);
                if (all || random.nextInt(100) < chance) {
                    MemorySegment bytes = MemorySegment.ofArray(change.bytes());
                    left.write(place, bytes.asSlice(at, size), Durability.CACHED);
                }
                at += size;
            }
        }
        if (left.length() < below.length()) {
            left.resize(below.length());
        }
        return left;
    }

    @Override
    public synchronized void write(long offset, MemorySegment source, Durability durability) {
        boolean stable = durability == Durability.STABLE;
        changes.add(new Change(offset, source.toArray(ValueLayout.JAVA_BYTE), stable, false));
        below.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        write(offset, MemorySegment.ofArray(new byte[(int) length]), durability);
    }

    @Override
    public synchronized void flush() {
        changes.add(new Change(0, new byte[0], false, true));
    }

    @Override
    public synchronized void resize(long newLength) {
        if (full && newLength > below.length()) {
            throw new BlockException.Media(
                    name(), "resize", newLength, "No space left on device", ENOSPC, null);
        }
        changes.add(new Change(-newLength, new byte[0], true, false));
        below.resize(newLength);
    }

    @Override
    public void discard(long offset, long length) {
        // Keeps the bytes.
    }
}
