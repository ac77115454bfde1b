package dev.gaur.codec;

/**
 * The three distances that the sequences of a frame used last, which have short names.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.5">RFC 8878, section
 *     3.1.1.5</a>
 */
final class ZstdRecentDistances {

    private static final int COUNT = 3;

    private int first;
    private int second;
    private int third;

    ZstdRecentDistances() {
        reset();
    }

    /** Starts a frame. */
    void reset() {
        set(1, 4, 8);
    }

    void copyFrom(ZstdRecentDistances other) {
        set(other.first, other.second, other.third);
    }

    private void set(int newFirst, int newSecond, int newThird) {
        first = newFirst;
        second = newSecond;
        third = newThird;
    }

    /** The distance used last. */
    int newest() {
        return first;
    }

    /**
     * What an offset in a sequence stands for, and takes note of it.
     *
     * @param offset from 1
     * @param run how many literals precede the match: after none, the newest distance would only
     *     have made the last match longer, so its name goes to the next one
     */
    long distance(long offset, int run) {
        if (offset > COUNT) {
            set((int) (offset - COUNT), first, second);
            return offset - COUNT;
        }
        switch ((int) offset - (run > 0 ? 1 : 0)) {
            case 0 -> {}
            case 1 -> set(second, first, third);
            case 2 -> set(third, first, second);
            default -> set(first - 1, first, second);
        }
        return first;
    }

    /** How to write a distance; takes note of it. The reverse of {@link #distance}. */
    int offset(int distance, int run) {
        int shift = run > 0 ? 1 : 0;
        int offset = distance + COUNT;
        if (distance == first && run > 0) {
            offset = 1;
        } else if (distance == second) {
            offset = 1 + shift;
        } else if (distance == third) {
            offset = 2 + shift;
        } else if (distance == first - 1 && run == 0) {
            offset = COUNT;
        }
        distance(offset, run);
        return offset;
    }
}
