package dev.gaur.export;

import dev.gaur.nbd.Nbd;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What contexts a client asks for.
 *
 * @param export the export that it means
 * @param queries names of contexts, or their beginnings
 */
record ContextQueries(String export, List<String> queries) {
    private static final String QEMU = "qemu:";
    private static final String BASE = "base:";

    /** Reads the data of an option; null if it makes no sense. */
    static @Nullable ContextQueries read(OptionReader data) {
        String export = data.text();
        long count = data.u32();
        List<String> queries = new ArrayList<>();
        for (long i = 0; i < count && data.isSound(); i++) {
            queries.add(data.text());
        }
        return data.isSound() && data.isEmpty() ? new ContextQueries(export, queries) : null;
    }

    /**
     * Returns those of an export's contexts that the client means.
     *
     * @param exact whether only whole names count: the client chooses rather than looks around
     */
    List<StatusContext> matching(Export of, boolean exact) {
        List<StatusContext> found = new ArrayList<>();
        for (StatusContext context : of.contexts()) {
            String name = context.name();
            boolean all = !exact && queries.isEmpty();
            if (all || queries.stream().anyMatch(query -> matches(query, name, exact))) {
                found.add(context);
            }
        }
        return found;
    }

    private static boolean matches(String query, String name, boolean exact) {
        boolean group = query.equals(BASE) || query.equals(QEMU) || query.equals(Nbd.DIRTY_BITMAP);
        return query.equals(name) || (!exact && group && name.startsWith(query));
    }

    /** Numbers contexts. */
    static List<ChosenContext> chosen(List<StatusContext> contexts) {
        List<ChosenContext> chosen = new ArrayList<>();
        for (int id = 0; id < contexts.size(); id++) {
            chosen.add(new ChosenContext(id, contexts.get(id)));
        }
        return chosen;
    }
}
