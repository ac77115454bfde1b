package dev.gaur.format.qcow2;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.qcow2.CowTable.Span;
import java.util.function.Predicate;

/**
 * Tells how a range of the virtual disk is stored, layers below included.
 *
 * <p>Holes in the file are looked for only if it takes up less than its clusters should: only in an
 * image with preallocated mapping is data likely to lie in holes, and in all others the search
 * would cost a system call for each run.
 *
 * <p>Locks: its own monitor, for finding that out once.
 */
final class ExtentWalk {
    private final ClusterMap map;
    private final Header header;
    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final CowTable cached;
    private volatile Holes holes = Holes.UNKNOWN;

    private enum Holes {
        UNKNOWN,
        LIKELY,
        UNLIKELY
    }

    ExtentWalk(
            ClusterMap map,
            Header header,
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            CowTable cached) {
        this.cached = cached;
        this.map = map;
        this.header = header;
        this.file = file;
        this.data = data;
        this.backing = backing;
    }

    void walk(long guestOffset, long length, ExtentVisitor visitor) {
        long end = guestOffset + length;
        long at = guestOffset;
        for (Span each : cached.spans(guestOffset, end, header.geometry())) {
            boolean goOn =
                    walkTables(at, each.from(), visitor)
                            && visitor.visit(
                                    new Extent.Data(
                                            each.from(),
                                            each.end() - each.from(),
                                            0,
                                            Extent.NOWHERE,
                                            false));
            if (!goOn) {
                return;
            }
            at = each.end();
        }
        walkTables(at, end, visitor);
    }

    /** Tells what the tables say; returns whether to go on. */
    private boolean walkTables(long from, long end, ExtentVisitor visitor) {
        long at = from;
        boolean goOn = true;
        while (at < end && goOn) {
            Run run = map.find(at, end - at);
            if (run.kind() == L2Entry.Kind.COMPRESSED) {
                run = joinCompressed(run, end);
            }
            goOn = visit(run, visitor);
            at = run.end();
        }
        return goOn;
    }

    /** Compressed clusters are told one by one; nobody needs to know their borders. */
    private Run joinCompressed(Run first, long end) {
        Run run = first;
        while (run.end() < end) {
            Run next = map.find(run.end(), end - run.end());
            if (next.kind() != L2Entry.Kind.COMPRESSED) {
                break;
            }
            run = run.withLength(run.length() + next.length());
        }
        return run;
    }

    private boolean visit(Run run, ExtentVisitor visitor) {
        long at = run.guestOffset();
        long length = run.length();
        return switch (run.kind()) {
            case NORMAL ->
                    mayHaveHoles()
                            ? visitData(run, visitor)
                            : visitor.visit(
                                    new Extent.Data(at, length, 0, run.hostOffset(), false));
            case COMPRESSED -> visitor.visit(new Extent.Encoded(at, length, 0));
            case ZERO_PLAIN, ZERO_ALLOCATED ->
                    visitor.visit(new Extent.Zero(at, length, 0, run.hostOffset()));
            case UNALLOCATED -> visitBacking(run, visitor);
        };
    }

    /** What lies behind the end of a shorter backing file is this layer's own business. */
    private boolean visitBacking(Run run, ExtentVisitor visitor) {
        long at = run.guestOffset();
        long below =
                backing == ZeroNode.INSTANCE
                        ? 0
                        : Math.clamp(backing.length() - at, 0, run.length());
        Predicate<Extent> deeper =
                each -> visitor.visit(each.at(each.offset(), each.length(), each.depth() + 1));
        if (below > 0 && !all(backing, at, below, deeper)) {
            return false;
        }
        var own = new Extent.Unallocated(at, run.length(), 0, run.hostOffset());
        return below == run.length() || visitor.visit(own.at(at + below, run.length() - below, 0));
    }

    /** Splits a run where the file has holes. What lies behind its end is one, too. */
    private boolean visitData(Run run, ExtentVisitor visitor) {
        long guestBase = run.guestOffset() - run.hostOffset();
        long present = Math.clamp(data.length() - run.hostOffset(), 0, run.length());
        Predicate<Extent> mapped =
                each ->
                        visitor.visit(
                                new Extent.Data(
                                        each.offset() + guestBase,
                                        each.length(),
                                        0,
                                        each.offset(),
                                        each.readsAsZero()));
        if (present > 0 && !all(data, run.hostOffset(), present, mapped)) {
            return false;
        }
        return present == run.length()
                || visitor.visit(
                        new Extent.Data(
                                run.guestOffset() + present,
                                run.length() - present,
                                0,
                                run.hostOffset() + present,
                                true));
    }

    /** Hands on the extents of another node; false if {@code visit} ended the walk. */
    private static boolean all(BlockNode node, long offset, long length, Predicate<Extent> visit) {
        boolean[] goOn = {true};
        node.extents(offset, length, each -> goOn[0] = visit.test(each));
        return goOn[0];
    }

    private boolean mayHaveHoles() {
        Holes known = holes;
        return (known == Holes.UNKNOWN ? findOut() : known) == Holes.LIKELY;
    }

    private synchronized Holes findOut() {
        if (holes == Holes.UNKNOWN) {
            holes = MetadataPreallocation.isLikely(file, header) ? Holes.LIKELY : Holes.UNLIKELY;
        }
        return holes;
    }
}
