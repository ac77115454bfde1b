package dev.gaur.format.qcow2;

/**
 * What may ask that counts stay in memory until it has noted them. Called under the allocator's
 * lock.
 */
interface CountJournal {
    /** Notes nothing: counts may be written at any time. */
    CountJournal NONE =
            new CountJournal() {
                @Override
                public boolean keepsCounts() {
                    return false;
                }

                @Override
                public void blockAdded(int index, long cluster) {}

                @Override
                public void countsEscape() {}
            };

    /** Whether the file's counts must stay as they are. */
    boolean keepsCounts();

    /** There is a new block in memory, which will lie in a cluster. */
    void blockAdded(int index, long cluster);

    /** Counts are about to be written although they should not: it is of no use from now on. */
    void countsEscape();
}
