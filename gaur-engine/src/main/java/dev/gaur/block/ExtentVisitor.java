package dev.gaur.block;

/** Takes the extents of a range, one after the other. */
@FunctionalInterface
public interface ExtentVisitor {
    /**
     * @param extent the next one; begins where the one before ended
     * @return whether to go on
     */
    boolean visit(Extent extent);
}
