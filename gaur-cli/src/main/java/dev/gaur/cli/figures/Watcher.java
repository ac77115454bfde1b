package dev.gaur.cli.figures;

/** Is told how far a run is. */
@FunctionalInterface
public interface Watcher {
    /**
     * The next step begins.
     *
     * @param done measurements that are done
     * @param total measurements if time suffices
     * @param what the next one is, for people
     */
    void at(int done, int total, String what);
}
