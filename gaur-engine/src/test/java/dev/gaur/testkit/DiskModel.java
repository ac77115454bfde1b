package dev.gaur.testkit;

import dev.gaur.block.BlockIo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * What a virtual disk must read as: after each operation, after one that failed, and after a crash
 * at any moment. For each sector of 512 bytes it keeps all values since the last flush, since any
 * of them may survive; nothing else may appear.
 *
 * <p>An operation is told in two parts: {@link #begin} before it, then what it did. Moments are
 * those of a {@link CrashMachine}; tests without crashes use 0. Not safe for many threads.
 */
public final class DiskModel {
    private static final int SECTOR = CrashMachine.SECTOR;
    private static final byte[] ZEROS = new byte[SECTOR];

    /** No crash: what was done last is there. */
    public static final long NOW = History.NEVER;

    /** A crash, or an end without a flush, after all that was done. */
    public static final long AFTER_ALL = NOW - 1;

    /**
     * An internal snapshot.
     *
     * @param name unique
     * @param sectors what each sector may read as
     */
    public record Snapshot(String name, List<List<byte[]>> sectors) {
        /** Returns how long the disk was. */
        public long length() {
            return (long) sectors.size() * SECTOR;
        }
    }

    private record Flush(long step, long moment) {}

    private final byte[] backing;
    private final List<History<byte[]>> sectors = new ArrayList<>();
    private final History<Long> length;
    private final History<List<Snapshot>> snapshots = new History<>(List.of());
    private final List<Flush> flushes = new ArrayList<>();
    private long step;
    private long started;

    /**
     * @param content of the disk; whole sectors, stable
     * @param backing what the disk's backing file has; empty if there is none
     */
    public DiskModel(byte[] content, byte[] backing) {
        this.backing = backing;
        this.length = new History<>((long) content.length);
        for (int at = 0; at < content.length; at += SECTOR) {
            sectors.add(new History<>(Arrays.copyOfRange(content, at, at + SECTOR)));
        }
    }

    /** Returns the length of the disk; after a failed resize, perhaps. */
    public long length() {
        return length.newest();
    }

    /** Returns the snapshots; after a failed operation, perhaps. */
    public List<Snapshot> snapshots() {
        return snapshots.newest();
    }

    /** An operation begins at a moment. */
    public void begin(long moment) {
        step++;
        started = moment;
    }

    /** Bytes were written, or perhaps. */
    public void write(long offset, byte[] bytes, boolean succeeded) {
        for (int done = 0; done < bytes.length; ) {
            int inSector = (int) ((offset + done) % SECTOR);
            int count = Math.min(bytes.length - done, SECTOR - inSector);
            overlay(sector(offset + done), inSector, bytes, done, count, succeeded);
            done += count;
        }
    }

    /** A range was made zero, or perhaps. */
    public void zero(long offset, long count, boolean succeeded) {
        write(offset, new byte[Math.toIntExact(count)], succeeded);
    }

    private History<byte[]> sector(long offset) {
        return sectors.get((int) (offset / SECTOR));
    }

    /** Lays bytes over whatever may be there. */
    private void overlay(
            History<byte[]> sector, int at, byte[] source, int from, int count, boolean succeeded) {
        List<byte[]> before = count == SECTOR ? List.of(ZEROS) : sector.visible();
        List<byte[]> after = new ArrayList<>(1);
        for (byte[] old : before) {
            byte[] bytes = old.clone();
            System.arraycopy(source, from, bytes, at, count);
            if (!contains(after, bytes)) {
                after.add(bytes);
            }
        }
        put(sector, after, succeeded);
    }

    /** One of these values is there now, or perhaps. */
    private void put(History<byte[]> sector, List<byte[]> values, boolean succeeded) {
        boolean certain = succeeded;
        for (byte[] value : values) {
            sector.add(value, step, started, certain);
            certain = false; // What stands before the certain one is one more choice.
        }
    }

    private static boolean contains(List<byte[]> values, byte[] value) {
        for (byte[] each : values) {
            if (Arrays.equals(each, value)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whole sectors were discarded; each keeps what it had or is zero.
     *
     * @param found what they read as now
     * @param zeroFrom the part that must be zero
     * @param zeroTo its end
     */
    public void discard(long offset, byte[] found, long zeroFrom, long zeroTo) {
        for (int done = 0; done < found.length; done += SECTOR) {
            long at = offset + done;
            byte[] bytes = Arrays.copyOfRange(found, done, done + SECTOR);
            boolean mustBeZero = at >= zeroFrom && at < zeroTo;
            boolean zero = Arrays.equals(bytes, ZEROS);
            if (!zero && (mustBeZero || !contains(sector(at).visible(), bytes))) {
                throw wrong("discarded sector", at, bytes, NOW, List.of(ZEROS));
            }
            put(sector(at), List.of(bytes), true);
        }
    }

    /** What was written or made zero last in a range is stable from a moment on. */
    public void stable(long offset, long count, long moment) {
        for (long at = offset / SECTOR; at * SECTOR < offset + count; at++) {
            sectors.get((int) at).stable(moment);
        }
    }

    /** A flush returned at a moment: what had returned when it began is stable. */
    public void flushed(long moment) {
        flushes.add(new Flush(step, moment));
    }

    /** The disk got another size and was flushed, or perhaps; it all was stable at a moment. */
    public void resize(long newLength, boolean succeeded, long moment) {
        long old = length();
        for (long at = newLength; at < old; at += SECTOR) {
            // While it is cut off, a sector may already show what is below.
            put(sector(at), List.of(backingAt(at)), succeeded);
            put(sector(at), List.of(ZEROS), succeeded);
        }
        for (long at = old; at < newLength; at += SECTOR) {
            if (at / SECTOR == sectors.size()) {
                sectors.add(new History<>(ZEROS));
            }
            put(sector(at), List.of(ZEROS), succeeded);
            if (succeeded) {
                sector(at).stable(moment);
            }
        }
        length.add(newLength, step, started, succeeded);
        if (succeeded) {
            length.stable(moment);
        }
    }

    /** Says how long the disk is now, after an operation that perhaps gave it another size. */
    public void found(long newLength) {
        if (newLength != length()) {
            length.add(newLength, step, started, true);
        }
    }

    private byte[] backingAt(long offset) {
        int at = (int) Math.min(offset, backing.length);
        return Arrays.copyOf(
                Arrays.copyOfRange(backing, at, Math.min(at + SECTOR, backing.length)), SECTOR);
    }

    /** A snapshot of a disk of this size was taken, or perhaps; it is stable from a moment on. */
    public void take(String name, long size, boolean succeeded, long moment) {
        List<List<byte[]>> content = new ArrayList<>();
        for (long at = 0; at < size; at += SECTOR) {
            content.add(sector(at).visible());
        }
        List<Snapshot> list = new ArrayList<>(snapshots());
        list.add(new Snapshot(name, content));
        change(list, succeeded, moment);
    }

    /** Says which snapshots there are now, after an operation that perhaps made or removed one. */
    public void found(List<String> names) {
        List<Snapshot> now = checkSnapshots(names, NOW);
        if (!now.equals(snapshots())) {
            snapshots.add(now, step, started, true);
        }
    }

    /** A snapshot was deleted, or perhaps; that is stable from a moment on. */
    public void delete(String name, boolean succeeded, long moment) {
        List<Snapshot> list = new ArrayList<>(snapshots());
        list.removeIf(each -> each.name().equals(name));
        change(list, succeeded, moment);
    }

    private void change(List<Snapshot> list, boolean succeeded, long moment) {
        snapshots.add(list, step, started, succeeded);
        if (succeeded) {
            snapshots.stable(moment);
        }
    }

    /** The disk became what a snapshot has, or perhaps; that is stable from a moment on. */
    public void apply(Snapshot snapshot, boolean succeeded, long moment) {
        length.add(snapshot.length(), step, started, succeeded);
        if (succeeded) {
            length.stable(moment);
        }
        for (int i = 0; i < sectors.size(); i++) {
            boolean within = i < snapshot.sectors().size();
            put(sectors.get(i), within ? snapshot.sectors().get(i) : List.of(ZEROS), succeeded);
            if (succeeded) {
                sectors.get(i).stable(moment);
            }
        }
    }

    /** Fails unless what was read from {@code offset} on may be there. */
    public void checkRead(long offset, byte[] found) {
        for (int done = 0; done < found.length; ) {
            long at = offset + done;
            int inSector = (int) (at % SECTOR);
            int count = Math.min(found.length - done, SECTOR - inSector);
            List<byte[]> allowed = sector(at).visible();
            int from = done;
            boolean good =
                    allowed.stream()
                            .anyMatch(
                                    each ->
                                            Arrays.equals(
                                                    each,
                                                    inSector,
                                                    inSector + count,
                                                    found,
                                                    from,
                                                    from + count));
            if (!good) {
                throw wrong(
                        "bytes", at, Arrays.copyOfRange(found, from, from + count), NOW, allowed);
            }
            done += count;
        }
    }

    /** Fails unless the disk has a size and content that a crash at a moment may leave. */
    public void check(BlockIo disk, long moment) {
        long flushed = flushedAt(moment);
        if (!length.after(moment, flushed).contains(disk.length())) {
            throw new AssertionError(
                    "%d bytes long, not one of %s"
                            .formatted(disk.length(), length.after(moment, flushed)));
        }
        byte[] found = TestBytes.readArray(disk, 0, Math.toIntExact(disk.length()));
        for (int at = 0; at < found.length; at += SECTOR) {
            byte[] bytes = Arrays.copyOfRange(found, at, at + SECTOR);
            List<byte[]> allowed = sector(at).after(moment, flushed);
            if (!contains(allowed, bytes)) {
                throw wrong("sector", at, bytes, moment, allowed);
            }
        }
    }

    /** Fails unless these snapshots may be there after a crash at a moment; returns them. */
    public List<Snapshot> checkSnapshots(List<String> names, long moment) {
        List<List<Snapshot>> allowed = snapshots.after(moment, flushedAt(moment));
        return allowed.stream()
                .filter(list -> list.stream().map(Snapshot::name).toList().equals(names))
                .findFirst()
                .orElseThrow(() -> new AssertionError("snapshots " + names));
    }

    /** Fails unless a disk reads as a snapshot; a longer disk's end is left aside. */
    public void checkSnapshot(Snapshot snapshot, BlockIo disk) {
        long size = Math.min(disk.length(), snapshot.length());
        byte[] found = TestBytes.readArray(disk, 0, Math.toIntExact(size));
        for (int at = 0; at < found.length; at += SECTOR) {
            byte[] bytes = Arrays.copyOfRange(found, at, at + SECTOR);
            List<byte[]> allowed = snapshot.sectors().get(at / SECTOR);
            if (!contains(allowed, bytes)) {
                throw wrong("sector of snapshot " + snapshot.name(), at, bytes, NOW, allowed);
            }
        }
    }

    private long flushedAt(long moment) {
        for (Flush flush : flushes.reversed()) {
            if (flush.moment() <= moment) {
                return flush.step();
            }
        }
        return -1;
    }

    /** From now on the disk is what was found, and nothing else. */
    public void settle(BlockIo disk, List<Snapshot> found) {
        length.settle(disk.length());
        byte[] content = TestBytes.readArray(disk, 0, Math.toIntExact(disk.length()));
        while ((long) sectors.size() * SECTOR < content.length) {
            sectors.add(new History<>(ZEROS));
        }
        for (int at = 0; at < content.length; at += SECTOR) {
            sector(at).settle(Arrays.copyOfRange(content, at, at + SECTOR));
        }
        snapshots.settle(found);
    }

    private AssertionError wrong(
            String what, long offset, byte[] found, long moment, List<byte[]> allowed) {
        return new AssertionError(
                "%s at 0x%x (sector %d), moment %s: found %s, allowed %s"
                        .formatted(
                                what,
                                offset,
                                offset / SECTOR,
                                moment == NOW ? "now" : Long.toString(moment),
                                describe(offset, found),
                                allowed.stream().map(each -> describe(offset, each)).toList()));
    }

    /** Says where else the bytes belong, if anywhere: the best clue to what went wrong. */
    private String describe(long offset, byte[] bytes) {
        String start = HexFormat.of().formatHex(bytes, 0, Math.min(4, bytes.length));
        boolean zero = Arrays.equals(bytes, new byte[bytes.length]);
        String text = zero ? "zeros" : "%s..%08x".formatted(start, Arrays.hashCode(bytes));
        return text + owner(offset, bytes).map(" (%s)"::formatted).orElse("");
    }

    private Optional<String> owner(long offset, byte[] bytes) {
        if (bytes.length != SECTOR || Arrays.equals(bytes, ZEROS)) {
            return Optional.empty();
        }
        if (Arrays.equals(bytes, backingAt(offset))) {
            return Optional.of("of the backing file");
        }
        for (int i = 0; i < sectors.size(); i++) {
            for (byte[] each : sectors.get(i).after(NOW, -1)) {
                if (i != offset / SECTOR && Arrays.equals(each, bytes)) {
                    return Optional.of("of sector " + i);
                }
            }
        }
        return Optional.empty();
    }
}
