package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Does away with zero clusters, which version 2 does not know, in the active state and in all
 * snapshots. Without backing file they become unallocated; else they get clusters of zeros.
 * Everything reads as before, at every moment.
 */
final class ZeroExpansion {
    /** So many tables share one flush. */
    private static final int BATCH = 64;

    private final WholeImage image;
    private final StorageNode file;
    private final Geometry geometry;
    private final boolean hasBacking;
    private final Set<Long> done = new HashSet<>();

    /** Places whose references end when the tables are stable; each ends {@code times} times. */
    private record Gone(long hostOffset, long times) {}

    private final List<Gone> gone = new ArrayList<>();

    /** Places that were counted more than once. */
    private final List<Gone> raised = new ArrayList<>();

    ZeroExpansion(WholeImage image, boolean hasBacking) {
        this.image = image;
        this.file = image.file();
        this.geometry = image.geometry();
        this.hasBacking = hasBacking;
    }

    /** Changes all tables that an L1 table leads to, unless that was done before. */
    void expand(String name, long[] l1) {
        ClusterTree tree = image.tree(name, l1);
        for (int from = 0; from < l1.length; from += BATCH) {
            int end = Math.min(l1.length, from + BATCH);
            List<Integer> tables = new ArrayList<>();
            for (int i = from; i < end; i++) {
                long offset = tree.tableOffset(i);
                if (offset != 0 && done.add(offset)) {
                    tables.add(i);
                }
            }
            expand(tree, tables);
        }
    }

    private void expand(ClusterTree tree, List<Integer> tables) {
        List<Long> places = new ArrayList<>();
        if (hasBacking) {
            image.prepare(() -> allocate(tree, tables, places), this::giveBack);
            raised.clear();
        }
        image.change(() -> edit(tree, tables, places));
    }

    private void allocate(ClusterTree tree, List<Integer> tables, List<Long> places) {
        for (int table : tables) {
            tree.look(table, words -> allocate(tree.tableOffset(table), words, places));
        }
        image.commit(); // Counts and zeros before what leads to them.
    }

    private void giveBack() {
        free(raised);
        image.giveBack();
    }

    private void free(List<Gone> references) {
        for (Gone each : references) {
            for (long i = 0; i < each.times(); i++) {
                image.free(each.hostOffset(), 1);
            }
        }
        references.clear();
    }

    private void edit(ClusterTree tree, List<Integer> tables, List<Long> places) {
        var next = places.iterator();
        for (int table : tables) {
            long count = count(tree.tableOffset(table));
            tree.edit(
                    table,
                    (_, words) -> {
                        for (int i = 0; i < words.length; i++) {
                            if (isZero(words[i])) {
                                words[i] = replace(words[i], count, hasBacking ? next.next() : 0);
                            }
                        }
                    });
        }
        image.flush();
        free(gone);
        image.commit();
    }

    private static boolean isZero(long word) {
        return !L2Entry.isCompressed(word) && (word & L2Entry.ZERO) != 0;
    }

    /** How many trees lead to a table, and with it to what it holds. */
    private long count(long hostOffset) {
        return image.refcounts().get(geometry.clusterIndex(hostOffset));
    }

    /** Finds places of zeros for the zero clusters of a table. */
    private void allocate(long table, long[] words, List<Long> places) {
        long count = count(table);
        for (long word : words) {
            if (!isZero(word)) {
                continue;
            }
            long place = L2Entry.hostOffset(word);
            boolean alone = place != 0 && count(place) == count;
            if (!alone) { // Somebody may see what is at the old place.
                Taken taken = image.takeRun(1);
                place = taken.hostOffset();
                image.raise(place, count - 1);
                raised.add(new Gone(place, count - 1));
            }
            file.zero(place, geometry.clusterSize(), ZeroMode.KEEP, Durability.CACHED);
            places.add(place);
        }
    }

    private long replace(long word, long count, long place) {
        long old = L2Entry.hostOffset(word);
        if (old != 0 && old != place) {
            gone.add(new Gone(old, count));
        }
        return place == 0 ? 0 : place | (count == 1 ? L2Entry.COPIED : 0);
    }
}
