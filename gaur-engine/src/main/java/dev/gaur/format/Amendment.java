package dev.gaur.format;

import java.util.Optional;

/**
 * What is to be changed of an existing image; what is empty stays.
 *
 * @param version 2 or 3
 * @param refcountBits width of a count: a power of two from 1 to 64
 * @param lazyRefcounts whether counts may be written late
 * @param journal whether changes of counts go to a journal
 * @param dataFile another name of the external data file, which must have the same content
 * @param dataFileRaw whether the data file alone is always a raw image; can only be given up
 * @param size virtual bytes
 */
public record Amendment(
        Optional<Integer> version,
        Optional<Long> refcountBits,
        Optional<Boolean> lazyRefcounts,
        Optional<Boolean> journal,
        Optional<String> dataFile,
        Optional<Boolean> dataFileRaw,
        Optional<Long> size) {
    /** Changes nothing. */
    public static final Amendment NONE =
            new Amendment(
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());

    /** The same with another version. */
    public Amendment withVersion(int other) {
        return new Amendment(
                Optional.of(other),
                refcountBits,
                lazyRefcounts,
                journal,
                dataFile,
                dataFileRaw,
                size);
    }

    /** The same with another width of counts. */
    public Amendment withRefcountBits(long other) {
        return new Amendment(
                version, Optional.of(other), lazyRefcounts, journal, dataFile, dataFileRaw, size);
    }

    /** The same with counts written late or not. */
    public Amendment withLazyRefcounts(boolean other) {
        return new Amendment(
                version, refcountBits, Optional.of(other), journal, dataFile, dataFileRaw, size);
    }

    /** The same with a journal or none. */
    public Amendment withJournal(boolean other) {
        return new Amendment(
                version,
                refcountBits,
                lazyRefcounts,
                Optional.of(other),
                dataFile,
                dataFileRaw,
                size);
    }

    /** The same with another size. */
    public Amendment withSize(long other) {
        return new Amendment(
                version,
                refcountBits,
                lazyRefcounts,
                journal,
                dataFile,
                dataFileRaw,
                Optional.of(other));
    }
}
