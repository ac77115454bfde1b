package dev.gaur.cli.figures;

import java.util.Locale;

/** Writes elements of HTML and SVG, indented by nothing, one per line. */
final class Markup {
    private final StringBuilder text = new StringBuilder();

    /** Returns a text in which no character means something. */
    static String escape(String plain) {
        return plain.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    /** Opens an element. */
    Markup open(String tag, Object... attributes) {
        start(tag, attributes).append(">\n");
        return this;
    }

    /** Closes an element. */
    Markup close(String tag) {
        text.append("</").append(tag).append(">\n");
        return this;
    }

    /** Writes an element without content. */
    Markup empty(String tag, Object... attributes) {
        start(tag, attributes).append("/>\n");
        return this;
    }

    /** Writes an element with a text in it. */
    Markup element(String tag, String plain, Object... attributes) {
        start(tag, attributes).append('>').append(escape(plain));
        return close(tag);
    }

    /** Writes markup as it is. */
    Markup raw(String markup) {
        text.append(markup);
        return this;
    }

    private StringBuilder start(String tag, Object... attributes) {
        text.append('<').append(tag);
        for (int i = 0; i < attributes.length; i += 2) {
            text.append(' ').append(attributes[i]).append("=\"");
            text.append(escape(value(attributes[i + 1]))).append('"');
        }
        return text;
    }

    private static String value(Object value) {
        return value instanceof Double number
                ? String.format(Locale.ROOT, "%.1f", number)
                : value.toString();
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
