package dev.gaur.export;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** The exports of a server by name. Safe for use by many threads. */
final class Exports {
    private final Map<String, Export> byName = new ConcurrentSkipListMap<>();

    /** Adds an export unless there is one of that name. */
    boolean add(Export export) {
        return byName.putIfAbsent(export.name(), export) == null;
    }

    @Nullable Export remove(String name) {
        return byName.remove(name);
    }

    /** Finds an export; the empty name is that of the only one if none is called so. */
    @Nullable Export find(String name) {
        Export found = byName.get(name);
        if (found == null && name.isEmpty()) {
            List<Export> all = all();
            return all.size() == 1 ? all.getFirst() : null;
        }
        return found;
    }

    /** Returns all, by name. */
    List<Export> all() {
        return List.copyOf(byName.values());
    }
}
