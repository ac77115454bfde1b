package dev.gaur.format.qcow2;

import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckFinding.Severity;
import dev.gaur.format.CheckListener;

/** Counts what a check finds, and tells the listener. */
final class CheckLog {
    private final CheckListener listener;
    private long checkErrors;
    private long corruptions;
    private long leaks;

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
        tell(Severity.CORRUPTION, place, text + more);
    }

    /** Space that nobody uses. */
    void leak(Place place, String text) {
        leaks++;
        tell(Severity.LEAK, place, text);
    }

    /** Something that could not be looked at. */
    void checkError(Place place, String text) {
        checkErrors++;
        tell(Severity.CHECK_ERROR, place, text);
    }

    private void tell(Severity severity, Place place, String text) {
        listener.found(
                new CheckFinding(
                        severity,
                        place.structure(),
                        place.hostOffset(),
                        text,
                        place.guestOffset(),
                        place.guestLength()));
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
