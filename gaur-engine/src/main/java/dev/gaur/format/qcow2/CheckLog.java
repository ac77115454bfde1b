package dev.gaur.format.qcow2;

import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckFinding.Severity;
import dev.gaur.format.CheckListener;

/** Counts what a check finds and a repair fixes, and tells the listener. */
final class CheckLog {
    /** The listener wants no more. */
    static final class Cancelled extends RuntimeException {
        private static final long serialVersionUID = 1;

        Cancelled() {
            super("cancelled", null, false, false);
        }
    }

    /** How much was found until some moment. */
    record Tally(long checkErrors, long corruptions, long leaks) {}

    private final CheckListener listener;
    private long checkErrors;
    private long corruptions;
    private long leaks;
    private long corruptionsFixed;
    private long leaksFixed;

    CheckLog(CheckListener listener) {
        this.listener = listener;
    }

    CheckListener listener() {
        return listener;
    }

    long checkErrors() {
        return checkErrors;
    }

    long corruptions() {
        return corruptions;
    }

    long leaks() {
        return leaks;
    }

    long corruptionsFixed() {
        return corruptionsFixed;
    }

    long leaksFixed() {
        return leaksFixed;
    }

    /** Tells whether nothing is wrong, as far as is known and not repaired. */
    boolean isClean() {
        return checkErrors == 0 && corruptions == 0 && leaks == 0;
    }

    /** To be called only where the image is no worse than before. */
    void stopIfCancelled() {
        if (listener.isCancelled()) {
            throw new Cancelled();
        }
    }

    Tally tally() {
        return new Tally(checkErrors, corruptions, leaks);
    }

    /** Forgets what was found since; it is going to be found again. */
    void forgetSince(Tally tally) {
        checkErrors = tally.checkErrors();
        corruptions = tally.corruptions();
        leaks = tally.leaks();
    }

    /** Counts all that was found since as repaired. */
    void repairedSince(Tally tally) {
        corruptionsFixed += corruptions - tally.corruptions();
        leaksFixed += leaks - tally.leaks();
        forgetSince(tally);
    }

    /** Corruption that was counted as such, and is repaired now. */
    void corruptionsRepaired(long count) {
        corruptions -= count;
        corruptionsFixed += count;
    }

    /** Corruption that was not counted as such yet, and is repaired. */
    void repairCorruption(Place place, String text) {
        corruptionsFixed++;
        tell(Severity.CORRUPTION, place, text, true);
    }

    /** A leak that was not counted as such yet, and is repaired. */
    void repairLeak(Place place, String text) {
        leaksFixed++;
        tell(Severity.LEAK, place, text, true);
    }

    /** Something to know that is not counted. */
    void note(Severity severity, String text) {
        tell(severity, Place.of("image", -1), text, false);
    }

    /**
     * Something that is or will be lost.
     *
     * @param text the line for people
     */
    void corruption(Place place, String text) {
        corruption(place, text, 1);
    }

    /** The same in a table that is named so many times, which counts so many times. */
    void corruption(Place place, String text, long times) {
        corruptions += times;
        String more = times == 1 ? "" : " (%d times)".formatted(times);
        tell(Severity.CORRUPTION, place, text + more, false);
    }

    /** Several at once. */
    void corruptions(long count, Place place, String text) {
        corruptions += count - 1;
        corruption(place, text);
    }

    /** Space that nobody uses. */
    void leak(Place place, String text) {
        leaks++;
        tell(Severity.LEAK, place, text, false);
    }

    /** Something that could not be looked at. */
    void checkError(Place place, String text) {
        checkErrors++;
        tell(Severity.CHECK_ERROR, place, text, false);
    }

    private void tell(Severity severity, Place place, String text, boolean repaired) {
        listener.found(
                new CheckFinding(
                        severity,
                        place.structure(),
                        place.hostOffset(),
                        text,
                        place.guestOffset(),
                        place.guestLength(),
                        repaired));
    }

    /** A number as C's {@code %#x} has it. */
    static String hex(long value) {
        return (value == 0 ? "" : "0x") + Long.toHexString(value);
    }

    /**
     * Where something is wrong.
     *
     * @param structure its name
     * @param hostOffset byte offset in the file, or -1
     * @param guestOffset first guest byte affected, or -1
     * @param guestLength how many guest bytes, 0 if none
     */
    record Place(String structure, long hostOffset, long guestOffset, long guestLength) {
        /** A place that no guest byte depends on alone. */
        static Place of(String structure, long hostOffset) {
            return new Place(structure, hostOffset, -1, 0);
        }

        /** A range of the guest, as much of it as lies in the virtual disk. */
        static Place ofGuest(String structure, long guestOffset, long length, long diskSize) {
            long inDisk = Math.min(length, diskSize - guestOffset);
            return inDisk > 0
                    ? new Place(structure, -1, guestOffset, inDisk)
                    : Place.of(structure, -1);
        }
    }
}
