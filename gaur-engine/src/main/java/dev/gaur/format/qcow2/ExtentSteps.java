package dev.gaur.format.qcow2;

import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.sync.Epoch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Tells the extents of an image that may change meanwhile, some at a time: the visitor may take as
 * long as it likes, and make requests itself, since it is told outside of the epoch. Static.
 */
final class ExtentSteps {
    private static final int STEP = 64;

    private ExtentSteps() {}

    /**
     * Tells the extents of a range.
     *
     * @param reads entered while tables are looked at
     * @param walk of the state of the moment
     */
    static void walk(
            Epoch reads,
            Supplier<ExtentWalk> walk,
            long offset,
            long length,
            ExtentVisitor visitor) {
        List<Extent> found = new ArrayList<>();
        long end = offset + length;
        for (long at = offset; at < end; found.clear()) {
            int ticket = reads.enter();
            try {
                walk.get().walk(at, end - at, each -> found.add(each) && found.size() < STEP);
            } finally {
                reads.leave(ticket);
            }
            for (Extent each : found) {
                if (!visitor.visit(each)) {
                    return;
                }
            }
            at = found.getLast().end();
        }
    }
}
