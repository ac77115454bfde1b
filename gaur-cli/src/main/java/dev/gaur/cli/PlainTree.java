package dev.gaur.cli;

import dev.gaur.json.TreeWriter;

/**
 * Writes a tree for people as qemu-img does: {@code key: value} with spaces for the key's dashes,
 * four spaces for each level, {@code [0]:} before the elements of an array. What is at the top has
 * no line of its own.
 */
final class PlainTree implements TreeWriter {
    /** Deeper than anything we describe. */
    private static final int LEVELS_MAX = 16;

    private static final int NOT_AN_ARRAY = -1;

    private final StringBuilder text;
    private final int[] elements = new int[LEVELS_MAX];
    private final int indent;
    private int depth;
    private boolean afterKey;

    /**
     * @param text what it is appended to
     * @param indent how many levels further to the right the top stands
     */
    PlainTree(StringBuilder text, int indent) {
        this.text = text;
        this.indent = indent;
    }

    @Override
    public PlainTree beginObject() {
        return begin(NOT_AN_ARRAY);
    }

    @Override
    public PlainTree endObject() {
        depth--;
        return this;
    }

    @Override
    public PlainTree beginArray() {
        return begin(0);
    }

    @Override
    public PlainTree endArray() {
        depth--;
        return this;
    }

    @Override
    public PlainTree key(String name) {
        margin();
        text.append(name.replace('-', ' ')).append(':');
        afterKey = true;
        return this;
    }

    @Override
    public PlainTree value(String value) {
        element();
        text.append(' ').append(value).append('\n');
        return this;
    }

    @Override
    public PlainTree value(long value) {
        return value(Long.toString(value));
    }

    @Override
    public PlainTree value(boolean value) {
        return value(value ? "true" : "false");
    }

    private PlainTree begin(int firstElement) {
        if (depth > 0) {
            element();
            text.append('\n');
        }
        elements[depth++] = firstElement;
        return this;
    }

    /** Begins the line of an array's element; after a key the line has begun. */
    private void element() {
        if (afterKey) {
            afterKey = false;
            return;
        }
        margin();
        text.append('[').append(elements[depth - 1]++).append("]:");
    }

    private void margin() {
        for (int i = 1; i < depth + indent; i++) {
            text.append("    ");
        }
    }
}
