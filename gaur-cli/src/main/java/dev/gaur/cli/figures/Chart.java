package dev.gaur.cli.figures;

import java.util.List;

/**
 * All kinds of images with one kind of requests, one cache mode and one way.
 *
 * @param rows raw first
 */
record Chart(Figure figure, Pattern pattern, boolean direct, boolean served, List<Row> rows) {
    String title() {
        return pattern.title();
    }

    /** Says how it was measured. */
    String how() {
        String cache = direct ? "O_DIRECT" : "page cache warm";
        return served
                ? "over NBD, fio with " + Fio.DEPTH + " in flight, " + cache
                : "through the API, one thread, " + cache;
    }

    /** Returns a name that no other chart has. */
    String key() {
        return figure.key()
                + "-"
                + pattern.key()
                + (served ? "-nbd" : "-api")
                + (direct ? "-direct" : "");
    }

    boolean hasFirst() {
        return rows.stream().anyMatch(Row::hasFirst);
    }
}
