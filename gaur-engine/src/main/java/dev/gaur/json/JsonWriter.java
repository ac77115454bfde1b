package dev.gaur.json;

/**
 * Writes one JSON text in QEMU's layout: an entry per line, four spaces for each level, {@code
 * "key": value}, everything but printable ASCII escaped. Misuse (a value without its key, an end
 * too many) gives a wrong text, not an error. Not safe for many threads.
 */
public final class JsonWriter implements TreeWriter {
    private static final String HEX = "0123456789ABCDEF";

    private final StringBuilder text = new StringBuilder(1024);
    private final boolean oneLine;
    private int depth;
    private boolean first = true;
    private boolean afterKey;

    private JsonWriter(boolean oneLine) {
        this.oneLine = oneLine;
    }

    /** Returns a writer with QEMU's layout. */
    public static JsonWriter pretty() {
        return new JsonWriter(false);
    }

    /** Returns a writer that puts all on one line, as QEMU does where it does not indent. */
    public static JsonWriter oneLine() {
        return new JsonWriter(true);
    }

    @Override
    public JsonWriter beginObject() {
        return begin('{');
    }

    @Override
    public JsonWriter endObject() {
        return end('}');
    }

    @Override
    public JsonWriter beginArray() {
        return begin('[');
    }

    @Override
    public JsonWriter endArray() {
        return end(']');
    }

    @Override
    public JsonWriter key(String name) {
        separate();
        quote(name);
        text.append(": ");
        afterKey = true;
        return this;
    }

    @Override
    public JsonWriter value(String value) {
        separate();
        quote(value);
        return this;
    }

    @Override
    public JsonWriter value(long value) {
        separate();
        text.append(value);
        return this;
    }

    @Override
    public JsonWriter value(boolean value) {
        separate();
        text.append(value);
        return this;
    }

    /** Writes a number as it stands, for one that must keep its digits, such as {@code 12.50}. */
    public JsonWriter number(String digits) {
        separate();
        text.append(digits);
        return this;
    }

    @Override
    public JsonWriter entry(String name, String value) {
        return key(name).value(value);
    }

    @Override
    public JsonWriter entry(String name, long value) {
        return key(name).value(value);
    }

    @Override
    public JsonWriter entry(String name, boolean value) {
        return key(name).value(value);
    }

    /** Returns the text so far, without a newline at its end. */
    @Override
    public String toString() {
        return text.toString();
    }

    private JsonWriter begin(char bracket) {
        separate();
        text.append(bracket);
        depth++;
        first = true;
        return this;
    }

    private JsonWriter end(char bracket) {
        depth--;
        newLine();
        text.append(bracket);
        first = false;
        return this;
    }

    /** Puts what must stand before the next key or value. */
    private void separate() {
        if (afterKey) {
            afterKey = false;
            return;
        }
        if (!first) {
            text.append(oneLine ? ", " : ",");
        }
        if (depth > 0) {
            newLine();
        }
        first = false;
    }

    private void newLine() {
        if (oneLine) {
            return;
        }
        text.append('\n');
        for (int i = 0; i < depth; i++) {
            text.append("    ");
        }
    }

    private void quote(String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            escape(value.charAt(i));
        }
        text.append('"');
    }

    private void escape(char c) {
        switch (c) {
            case '"' -> text.append("\\\"");
            case '\\' -> text.append("\\\\");
            case '\b' -> text.append("\\b");
            case '\f' -> text.append("\\f");
            case '\n' -> text.append("\\n");
            case '\r' -> text.append("\\r");
            case '\t' -> text.append("\\t");
            default -> {
                if (c >= ' ' && c < 0x7f) {
                    text.append(c);
                } else {
                    text.append("\\u");
                    for (int shift = 12; shift >= 0; shift -= 4) {
                        text.append(HEX.charAt((c >> shift) & 15));
                    }
                }
            }
        }
    }
}
