package dev.gaur.verify.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * The places in the engine where memory is asked for, and the one where there is none. For one
 * thread; {@link ScarceLoader} makes classes tell it.
 */
public final class Allocations {
    private static final List<Integer> HITS = new ArrayList<>();
    private static boolean counting;
    private static int where = -1;
    private static int left;

    private Allocations() {}

    /** Called before memory is asked for, or after. */
    public static void pass(int place) {
        if (place == where && --left == 0) {
            where = -1;
            throw new OutOfMemoryError("made up, at " + place);
        }
        if (counting) {
            while (HITS.size() <= place) {
                HITS.add(0);
            }
            HITS.set(place, HITS.get(place) + 1);
        }
    }

    /** Counts from now on how often each place is passed. */
    static void count() {
        HITS.clear();
        counting = true;
    }

    /** How often each place was passed. */
    static List<Integer> counted() {
        counting = false;
        return List.copyOf(HITS);
    }

    /** There will be none when a place is passed for the n-th time, once. */
    static void lackAt(int place, int n) {
        where = place;
        left = n;
    }

    /** There is enough from now on; tells whether there always was. */
    static boolean suffice() {
        boolean was = where >= 0;
        where = -1;
        return was;
    }
}
