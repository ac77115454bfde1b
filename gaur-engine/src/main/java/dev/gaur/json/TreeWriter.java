package dev.gaur.json;

/**
 * Takes a tree of objects, arrays and values in the order of the text: whoever describes something
 * need not know what the description will look like. Each method returns the writer.
 */
public interface TreeWriter {
    /** Begins an object, at the top, after a key or in an array. */
    TreeWriter beginObject();

    /** Ends the innermost object. */
    TreeWriter endObject();

    /** Begins an array, at the top, after a key or in an array. */
    TreeWriter beginArray();

    /** Ends the innermost array. */
    TreeWriter endArray();

    /** Writes the name of the next value of an object. */
    TreeWriter key(String name);

    /** Writes a string. */
    TreeWriter value(String value);

    /** Writes a whole number. */
    TreeWriter value(long value);

    /** Writes {@code true} or {@code false}. */
    TreeWriter value(boolean value);

    /** Writes a key and a string. */
    default TreeWriter entry(String name, String value) {
        return key(name).value(value);
    }

    /** Writes a key and a whole number. */
    default TreeWriter entry(String name, long value) {
        return key(name).value(value);
    }

    /** Writes a key and a truth. */
    default TreeWriter entry(String name, boolean value) {
        return key(name).value(value);
    }
}
