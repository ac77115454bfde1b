package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.testkit.CrashMachine.Discards;
import dev.gaur.testkit.CrashMachine.Event;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * Sparse bytes in memory that remember how they came to be; see {@link CrashMachine}. Closing does
 * nothing: the disk stays in its machine.
 */
public final class CrashDisk implements StorageNode {
    private static final int SECTOR = CrashMachine.SECTOR;
    private static final byte[] ZEROS = new byte[SECTOR];
    private static final int EIO = 5;

    private final CrashMachine machine; // whose lock guards all below
    private final int number;
    private final String name;
    private final TreeMap<Long, byte[]> sectors; // never changed in place
    private final TreeMap<Long, byte[]> first;
    private final long firstLength;
    private volatile long length;

    CrashDisk(CrashMachine machine, int number, StorageNode content) {
        this.machine = machine;
        this.number = number;
        this.name = content.name();
        this.length = content.length();
        this.firstLength = length;
        this.sectors = load(content);
        this.first = new TreeMap<>(sectors);
    }

    private static TreeMap<Long, byte[]> load(StorageNode content) {
        TreeMap<Long, byte[]> found = new TreeMap<>();
        long end = content.length();
        for (long at = 0; at < end; at += SECTOR) {
            byte[] bytes = new byte[SECTOR];
            long size = Math.min(SECTOR, end - at);
            content.read(at, MemorySegment.ofArray(bytes).asSlice(0, size));
            if (!Arrays.equals(bytes, ZEROS)) {
                found.put(at / SECTOR, bytes);
            }
        }
        return found;
    }

    /** What was stable when the disk was made. */
    TreeMap<Long, byte[]> firstSectors() {
        return first;
    }

    long firstLength() {
        return firstLength;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public long allocatedBytes() {
        synchronized (machine) {
            return (long) sectors.size() * SECTOR;
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        synchronized (machine) {
            if (offset + target.byteSize() > length) {
                throw new BlockException.Media(
                        name, "read", offset, "the storage ends at " + length, EIO, null);
            }
            for (long done = 0; done < target.byteSize(); ) {
                int inSector = (int) ((offset + done) % SECTOR);
                int count = (int) Math.min(target.byteSize() - done, SECTOR - inSector);
                byte[] sector = sectors.getOrDefault((offset + done) / SECTOR, ZEROS);
                MemorySegment.copy(MemorySegment.ofArray(sector), inSector, target, done, count);
                done += count;
            }
        }
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        read(offset, target);
        return true;
    }

    /** The sectors that one request changes. */
    private final class Changes {
        private final List<Long> numbers = new ArrayList<>();
        private final List<byte[]> contents = new ArrayList<>();

        void put(long sector, byte[] bytes) {
            numbers.add(sector);
            contents.add(bytes);
            sectors.put(sector, bytes);
        }

        int finish(long newLength) {
            length = newLength;
            long[] changed = numbers.stream().mapToLong(Long::longValue).toArray();
            byte[][] bytes = contents.toArray(byte[][]::new);
            return machine.add(new Event.Change(number, changed, bytes, newLength));
        }
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        int change;
        synchronized (machine) {
            Changes changes = new Changes();
            for (long done = 0; done < source.byteSize(); ) {
                long sector = (offset + done) / SECTOR;
                int inSector = (int) ((offset + done) % SECTOR);
                int count = (int) Math.min(source.byteSize() - done, SECTOR - inSector);
                byte[] bytes = sectors.getOrDefault(sector, ZEROS).clone();
                MemorySegment.copy(source, done, MemorySegment.ofArray(bytes), inSector, count);
                changes.put(sector, bytes);
                done += count;
            }
            change = changes.finish(Math.max(length, offset + source.byteSize()));
        }
        settle(change, durability);
    }

    private void settle(int change, Durability durability) {
        if (durability == Durability.STABLE) {
            synchronized (machine) {
                machine.add(new Event.Stable(number, change));
            }
        }
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        int change;
        synchronized (machine) {
            Changes changes = new Changes();
            fill(offset, offset + count, ZEROS, changes);
            change = changes.finish(Math.max(length, offset + count));
        }
        settle(change, durability);
    }

    /** Sets all of a range that is not zero yet to the bytes of {@code filler}. */
    private void fill(long from, long to, byte[] filler, Changes changes) {
        if (from >= to) {
            return;
        }
        long last = (to - 1) / SECTOR;
        for (long sector : List.copyOf(sectors.subMap(from / SECTOR, last + 1).keySet())) {
            long start = sector * SECTOR;
            int begin = (int) Math.max(from - start, 0);
            int end = (int) Math.min(to - start, SECTOR);
            byte[] bytes = sectors.getOrDefault(sector, ZEROS).clone();
            System.arraycopy(filler, begin, bytes, begin, end - begin);
            changes.put(sector, bytes);
        }
    }

    @Override
    public void discard(long offset, long count) {
        long end = Math.min(offset + count, length);
        if (machine.discards() == Discards.KEEP || end <= offset) {
            return;
        }
        byte[] filler = ZEROS;
        if (machine.discards() == Discards.GARBAGE) {
            filler = new byte[SECTOR];
            Arrays.fill(filler, (byte) 0xdd);
        }
        synchronized (machine) {
            Changes changes = new Changes();
            fill(offset, end, filler, changes);
            changes.finish(length);
        }
    }

    @Override
    public void resize(long newLength) {
        synchronized (machine) {
            Changes changes = new Changes();
            fill(newLength, length, ZEROS, changes);
            changes.finish(newLength);
        }
    }

    @Override
    public void flush() {
        int begun = machine.position();
        synchronized (machine) {
            machine.add(new Event.Flushed(number, begun));
        }
    }

    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        long end = offset + count;
        boolean goOn = true;
        for (long at = offset; at < end && goOn; ) {
            long until = Math.min(end, (at / SECTOR + 1) * SECTOR);
            boolean present;
            synchronized (machine) {
                present = sectors.containsKey(at / SECTOR);
            }
            long size = until - at;
            goOn =
                    visitor.visit(
                            present
                                    ? new Extent.Data(at, size, 0, at, false)
                                    : new Extent.Zero(at, size, 0, at));
            at = until;
        }
    }

    @Override
    public void close() {
        // Disks stay when programs end.
    }
}
