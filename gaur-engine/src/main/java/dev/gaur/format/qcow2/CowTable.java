package dev.gaur.format.qcow2;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The cached clusters of an image, by their number. Looking costs no lock, and next to nothing
 * while there are none. Who looks here before looking into the mapping tables never misses a byte:
 * a cluster is taken out only after the tables lead to what it held.
 *
 * <p>Locks: its own monitor, for changes and lists. Safe for many threads.
 */
final class CowTable {
    /** One that stays empty. */
    static final CowTable NONE = new CowTable(0);

    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    private final int rowBits;
    private final List<CachedCluster> all = new ArrayList<>();
    private final int slots;
    private volatile @Nullable AtomicReferenceArray<CachedCluster> rows;
    private volatile @Nullable AtomicReferenceArray<CachedCluster> bySlot;
    private volatile int count;

    /**
     * @param most how many clusters there may be, and from 0 on the numbers of their slots
     */
    CowTable(int most) {
        this.slots = most;
        this.rowBits = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(1, most));
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Finds a cluster by its number. */
    @Nullable CachedCluster find(long number) {
        AtomicReferenceArray<CachedCluster> present = rows;
        if (count == 0 || present == null) {
            return null;
        }
        CachedCluster each = present.get(row(number));
        while (each != null && each.number() != number) {
            each = each.nextInRow;
        }
        return each;
    }

    /** Whether nothing is cached of the clusters that a range touches. */
    boolean isPlain(Geometry geometry, long guestOffset, long length) {
        if (isEmpty()) {
            return true;
        }
        long last = geometry.clusterIndex(guestOffset + Math.max(1, length) - 1);
        for (long each = geometry.clusterIndex(guestOffset); each <= last; each++) {
            if (find(each) != null) {
                return false;
            }
        }
        return true;
    }

    /** Finds the cluster whose memory is a slot, or was until just now. */
    @Nullable CachedCluster inSlot(int slot) {
        AtomicReferenceArray<CachedCluster> present = bySlot;
        return count == 0 || present == null ? null : present.get(slot);
    }

    private int row(long number) {
        return (int) ((number * GOLDEN) >>> (Long.SIZE - rowBits));
    }

    /** Adds a cluster that is not there. */
    synchronized void add(CachedCluster added) {
        AtomicReferenceArray<CachedCluster> present = rows;
        AtomicReferenceArray<CachedCluster> slot = bySlot;
        if (present == null || slot == null) {
            slot = new AtomicReferenceArray<>(slots);
            present = new AtomicReferenceArray<>(1 << rowBits);
            bySlot = slot;
            rows = present;
        }
        int row = row(added.number());
        added.nextInRow = present.get(row);
        added.index = all.size();
        all.add(added);
        present.set(row, added);
        slot.set(added.slot(), added);
        count = all.size();
    }

    /** Takes a cluster out; who is just looking at it may go on from there. */
    synchronized void remove(CachedCluster removed) {
        AtomicReferenceArray<CachedCluster> present = rows;
        AtomicReferenceArray<CachedCluster> slot = bySlot;
        if (present == null || slot == null) {
            throw new AssertionError("nothing is there");
        }
        slot.set(removed.slot(), null);
        int row = row(removed.number());
        CachedCluster before = null;
        for (CachedCluster each = present.get(row); each != removed; each = each.nextInRow) {
            before = Objects.requireNonNull(each);
        }
        if (before == null) {
            present.set(row, removed.nextInRow);
        } else {
            before.nextInRow = removed.nextInRow;
        }
        CachedCluster last = all.removeLast();
        if (last != removed) {
            all.set(removed.index, last);
            last.index = removed.index;
        }
        count = all.size();
    }

    /** All that there are now with numbers from one to another, in order. */
    synchronized List<CachedCluster> within(long first, long last) {
        List<CachedCluster> found = new ArrayList<>();
        for (CachedCluster each : all) {
            if (each.number() >= first && each.number() <= last) {
                found.add(each);
            }
        }
        found.sort(Comparator.comparingLong(CachedCluster::number));
        return found;
    }

    /** A range of the disk of which all or some bytes are cached. */
    record Span(long from, long end) {}

    /** The subclusters within a range that have cached bytes, in order. */
    List<Span> spans(long from, long end, Geometry geometry) {
        if (isEmpty() || from >= end) {
            return List.of();
        }
        List<Span> spans = new ArrayList<>();
        long last = geometry.clusterIndex(end - 1);
        for (CachedCluster each : within(geometry.clusterIndex(from), last)) {
            long start = geometry.clusterOffset(each.number());
            ByteRanges units = each.units(geometry.subclusterSize());
            for (int at = units.next(0); at >= 0; at = units.next(at)) {
                int stop = units.endOf(at);
                long spanFrom = Math.max(from, start + at);
                long spanEnd = Math.min(end, start + stop);
                if (spanFrom < spanEnd) {
                    spans.add(new Span(spanFrom, spanEnd));
                }
                at = stop;
            }
        }
        return spans;
    }
}
