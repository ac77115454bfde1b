package dev.gaur.export;

/**
 * A context that a client has chosen.
 *
 * @param id its number on the wire
 * @param context what it tells
 */
record ChosenContext(int id, StatusContext context) {}
