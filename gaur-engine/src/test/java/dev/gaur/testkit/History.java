package dev.gaur.testkit;

import java.util.ArrayList;
import java.util.List;

/**
 * All values that one thing (a sector, a length) has had, as far as a crash may still bring them
 * back. Not safe for many threads.
 *
 * @param <T> its values
 */
final class History<T> {
    /**
     * @param step the operation that brought it
     * @param started the moment from which on it may be seen
     * @param stable the moment from which on nothing older may be seen
     * @param certain whether nothing older may be seen unless something crashes
     */
    private record Version<T>(T value, long step, long started, long stable, boolean certain) {}

    static final long NEVER = Long.MAX_VALUE;

    private final List<Version<T>> versions = new ArrayList<>(1);

    History(T first) {
        settle(first);
    }

    /** Forgets all that was. */
    void settle(T value) {
        versions.clear();
        versions.add(new Version<>(value, -1, -1, -1, true));
    }

    void add(T value, long step, long started, boolean certain) {
        versions.add(new Version<>(value, step, started, NEVER, certain));
    }

    /** What was added last is stable from a moment on. */
    void stable(long moment) {
        Version<T> last = versions.removeLast();
        versions.add(
                new Version<>(last.value(), last.step(), last.started(), moment, last.certain()));
    }

    T newest() {
        return versions.getLast().value();
    }

    /** What may be read now. */
    List<T> visible() {
        List<T> found = new ArrayList<>(1);
        for (Version<T> version : versions.reversed()) {
            found.add(version.value());
            if (version.certain()) {
                break;
            }
        }
        return found;
    }

    /**
     * What may be there after a crash.
     *
     * @param moment of the crash
     * @param flushed the last operation that was flushed before
     */
    List<T> after(long moment, long flushed) {
        List<T> found = new ArrayList<>(2);
        for (Version<T> version : versions.reversed()) {
            if (version.started() < moment) {
                found.add(version.value());
                boolean stable = version.stable() <= moment || version.step() <= flushed;
                if (stable && version.certain()) {
                    break;
                }
            }
        }
        return found;
    }
}
