package dev.gaur.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Finds earlier occurrences of the bytes at a position: chains of positions with the same hash of
 * their first bytes, newest first.
 */
final class MatchFinder {

    /** How many bytes after the data's end must be readable. */
    static final int SLACK = Long.BYTES;

    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int MAX_HASH_BITS = 16;
    private static final int HASH_FACTOR = 0x9e3779b1;
    private static final int NONE = -1;

    private final int window;
    private final int shortest;
    private final int hashShift;
    private final int hashBits;
    private final int[] newest;
    private final int[] older;

    private byte[] data = {};
    private int end;
    private int known;
    private int length;
    private int distance;

    /**
     * @param windowBits base-2 logarithm of the largest distance
     * @param shortest the shortest match worth finding, 3 or 4 bytes
     */
    MatchFinder(int windowBits, int shortest) {
        this.window = 1 << windowBits;
        this.shortest = shortest;
        this.hashShift = Integer.SIZE - Byte.SIZE * shortest;
        this.hashBits = Math.min(windowBits + 2, MAX_HASH_BITS);
        this.newest = new int[1 << hashBits];
        this.older = new int[window];
    }

    /** Forgets everything and turns to new data, {@link #SLACK} bytes longer than its end says. */
    void reset(byte[] data, int end) {
        this.data = data;
        this.end = end;
        this.known = 0;
        Arrays.fill(newest, NONE);
    }

    /**
     * Looks for the longest match at a position; positions of successive calls ascend. {@link
     * #length} and {@link #distance} hold what was found.
     *
     * @param longerThan what a match must exceed to be of use
     * @param longest what no match may exceed
     * @param enough the length that ends the search
     * @param steps how many candidates to look at
     * @return whether there is one
     */
    boolean find(int position, int longerThan, int longest, int enough, int steps) {
        int most = Math.min(longest, end - position);
        int best = Math.max(longerThan, shortest - 1);
        if (most <= best) {
            return false;
        }
        while (known < position) {
            insert(known++);
        }
        int candidate = insert(known++);
        int oldest = Math.max(position - window, 0);
        int found = NONE;
        int probe = probe(position, best);
        for (int step = 0; step < steps && candidate >= oldest; step++) {
            if (probe(candidate, best) == probe) {
                int common = common(candidate, position, most);
                if (common > best) {
                    best = common;
                    found = candidate;
                    if (best >= enough || best == most) {
                        break;
                    }
                    probe = probe(position, best);
                }
            }
            if (candidate == oldest) {
                break; // what came before it has just been overwritten
            }
            candidate = older[candidate & (window - 1)];
        }
        length = best;
        distance = position - found;
        return found != NONE;
    }

    /** Makes a position the newest of its hash; returns the one that was. */
    private int insert(int position) {
        int hash = hash(position);
        int before = newest[hash];
        older[position & (window - 1)] = before;
        newest[hash] = position;
        return before;
    }

    /** Length of the match at a certain distance, which must be inside the data. */
    int lengthAt(int position, int distance, int longest) {
        return common(position - distance, position, Math.min(longest, end - position));
    }

    /** Length of the match that was found last. */
    int length() {
        return length;
    }

    /** How far before its position the match that was found last begins. */
    int distance() {
        return distance;
    }

    private int hash(int position) {
        int first = (int) INTS.get(data, position);
        return ((first << hashShift) * HASH_FACTOR) >>> (Integer.SIZE - hashBits);
    }

    /** The last bytes of a match that is longer than the best: most candidates fail there. */
    private int probe(int position, int best) {
        return best < Integer.BYTES - 1
                ? (int) INTS.get(data, position) << Byte.SIZE
                : (int) INTS.get(data, position + best - (Integer.BYTES - 1));
    }

    private int common(int a, int b, int most) {
        for (int at = 0; at < most; at += Long.BYTES) {
            long difference = (long) LONGS.get(data, a + at) ^ (long) LONGS.get(data, b + at);
            if (difference != 0) {
                return Math.min(most, at + Long.numberOfTrailingZeros(difference) / Byte.SIZE);
            }
        }
        return most;
    }
}
