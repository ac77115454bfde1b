package dev.gaur.cli.figures;

import java.util.List;

/**
 * One figure: kinds of images, to each of which some kinds of requests are made.
 *
 * @param key for choosing it
 * @param title for people
 * @param text what it shows: sentences
 */
record Figure(
        String key, String title, String text, List<Variant> variants, List<Pattern> patterns) {}
