package dev.gaur.verify.engine;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.testkit.TestBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the disk had when each bitmap of an image was empty, now and at each time when the bitmaps
 * were stored. Whatever differs from that must be marked in a bitmap that does not say that it was
 * in use (Q13). Not safe for many threads.
 */
final class BitmapHistory {
    private static final int SECTOR = 512;

    /** The bitmaps as some close of the image stored them, which had begun and perhaps ended. */
    private record Stored(long begun, long ended, Map<String, byte[]> empty) {}

    private final List<Stored> stored = new ArrayList<>();
    private final Map<String, byte[]> empty = new TreeMap<>();

    /** Those of an image that has none. */
    BitmapHistory() {
        this(Map.of());
    }

    /** Those of an image in which some are stored: what the disk had when they were empty. */
    BitmapHistory(Map<String, byte[]> present) {
        stored.add(new Stored(-1, -1, Map.copyOf(present)));
        empty.putAll(present);
    }

    /** The names of the bitmaps. */
    List<String> names() {
        return List.copyOf(empty.keySet());
    }

    /** A bitmap knows of no change since the disk had this. */
    void emptied(String name, byte[] disk) {
        empty.put(name, disk);
    }

    /** A bitmap is gone, or nobody knows what it says. */
    void forget(String name) {
        empty.remove(name);
    }

    /** The disk has another size: what came or went is not a change. */
    void resized(long length) {
        empty.replaceAll((_, disk) -> Arrays.copyOf(disk, Math.toIntExact(length)));
    }

    /** An image was closed, which began and ended at these moments. */
    void stored(long begun, long ended) {
        stored.add(new Stored(begun, ended, new TreeMap<>(empty)));
    }

    /** The same close, at whose end all may have been lost. */
    void maybeStored(long begun) {
        stored(begun, Long.MAX_VALUE);
    }

    /** Fails unless the bitmaps of an image that is being changed mark all that has changed. */
    void checkNow(Image image) {
        byte[] disk = TestBytes.readArray(image, 0, Math.toIntExact(image.length()));
        for (BitmapInfo each : list(image)) {
            byte[] before = empty.get(each.name());
            if (before != null && !each.isUnusable() && !covers(image, each, before, disk)) {
                throw new AssertionError("bitmap " + each.name() + " does not mark all changes");
            }
        }
    }

    /**
     * Fails unless the bitmaps may be there after a crash at a moment: in use, or stored by the
     * last close that had ended, or by a later one that had begun.
     *
     * @return what the disk had when each of those not in use was empty
     */
    Map<String, byte[]> check(Image image, long moment) {
        Map<String, byte[]> found = new TreeMap<>();
        byte[] disk = TestBytes.readArray(image, 0, Math.toIntExact(image.length()));
        for (BitmapInfo each : list(image)) {
            if (!each.broken().isEmpty()) {
                throw new AssertionError("bitmap " + each.name() + ": " + each.broken());
            }
            if (!each.inUse()) {
                found.put(each.name(), emptyBefore(image, each, disk, moment));
            }
        }
        return found;
    }

    private static List<BitmapInfo> list(Image image) {
        return image.bitmaps().map(Bitmaps::list).orElse(List.of());
    }

    private byte[] emptyBefore(Image image, BitmapInfo bitmap, byte[] disk, long moment) {
        for (Stored each : stored.reversed()) {
            boolean over = each.ended() <= moment; // In the moment it began, if it wrote nothing.
            byte[] before = each.empty().get(bitmap.name());
            boolean possible = over || each.begun() < moment;
            if (possible && before != null && covers(image, bitmap, before, disk)) {
                return before;
            }
            if (over) {
                break;
            }
        }
        throw new AssertionError("bitmap " + bitmap.name() + " is none that was stored");
    }

    private static boolean covers(Image image, BitmapInfo bitmap, byte[] before, byte[] disk) {
        DirtyBitmap bits = image.bitmaps().orElseThrow().copyOf(bitmap.name());
        if (before.length != disk.length || bits.length() != disk.length) {
            return false;
        }
        for (int at = 0; at < disk.length; at += SECTOR) {
            int end = Math.min(disk.length, at + SECTOR);
            if (!Arrays.equals(before, at, end, disk, at, end) && !bits.isSet(at)) {
                return false;
            }
        }
        return true;
    }
}
