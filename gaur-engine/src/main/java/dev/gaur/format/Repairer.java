package dev.gaur.format;

/**
 * Repairs an image. Works on the file, which nobody may have open as an image meanwhile. Not safe
 * for use by several threads.
 */
public interface Repairer extends Checker {
    /**
     * Checks, and repairs what it can: first all that is needed so that no data gets lost any more,
     * last what only wastes space. Blocks. Nothing that is referenced from anywhere is overwritten,
     * and a crash or an error at any moment leaves an image that is no worse than before and can be
     * repaired again.
     *
     * <p>Where not every reference could be followed (a snapshot whose table is lost, say) clusters
     * that seem unused stay counted: they may belong to what was not found.
     *
     * @param listener told of findings and progress while it runs, and asked whether to go on
     * @return what remains wrong and what was repaired. With a {@code failure}, the repair ended
     *     early; what was repaired until then stays so, but is not counted
     */
    CheckReport repair(RepairMode mode, CheckListener listener);
}
