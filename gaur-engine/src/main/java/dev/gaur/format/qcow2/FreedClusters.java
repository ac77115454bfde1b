package dev.gaur.format.qcow2;

/** Is told of clusters that nobody has any more. */
@FunctionalInterface
interface FreedClusters {
    /** {@code count} clusters from {@code first} on are free now. */
    void accept(long first, long count);
}
