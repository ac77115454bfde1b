package dev.gaur.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JSON object into one level: {@code {"file": {"filename": "x"}}} has the key {@code
 * file.filename}, the second element of an array {@code a} the key {@code a.1}. Values become the
 * text they have as QEMU's options: numbers their digits, truths {@code on} and {@code off}.
 * Strings may stand in single quotes, as in QEMU.
 */
public final class FlatJson {
    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build();

    private final SequencedMap<String, @Nullable String> entries = new LinkedHashMap<>();

    private FlatJson() {}

    /**
     * Reads a text.
     *
     * @return from key to value, in the order of the text; null where the text has {@code null}
     * @throws IllegalArgumentException if it is not the text of one object; the message says why
     */
    public static SequencedMap<String, @Nullable String> read(String text) {
        FlatJson flat = new FlatJson();
        try (JsonParser parser = FACTORY.createParser(text)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw unreadable("Expecting a JSON value");
            }
            if (first != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("Invalid JSON object given");
            }
            flat.object(parser, "");
            requireEnd(parser);
            return flat.entries;
        } catch (JsonEOFException _) {
            throw unreadable("JSON parse error, premature EOI");
        } catch (JsonParseException e) {
            String message = String.valueOf(e.getOriginalMessage());
            throw unreadable(
                    message.startsWith("Duplicate")
                            ? "JSON parse error, duplicate key"
                            : "JSON parse error, " + message);
        } catch (IOException e) {
            throw unreadable("JSON parse error, " + e.getMessage());
        }
    }

    private static void requireEnd(JsonParser parser) throws IOException {
        boolean atEnd;
        try {
            atEnd = parser.nextToken() == null;
        } catch (JsonParseException _) {
            atEnd = false;
        }
        if (!atEnd) {
            throw unreadable("Expecting at most one JSON value");
        }
    }

    private static IllegalArgumentException unreadable(String reason) {
        return new IllegalArgumentException("Could not parse the JSON options: " + reason);
    }

    private void object(JsonParser parser, String prefix) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = prefix + parser.currentName();
            parser.nextToken();
            value(parser, key);
        }
    }

    private void value(JsonParser parser, String key) throws IOException {
        switch (parser.currentToken()) {
            case START_OBJECT -> object(parser, key + ".");
            case START_ARRAY -> {
                for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
                    value(parser, key + "." + i);
                }
            }
            case VALUE_NULL -> entries.put(key, null);
            case VALUE_TRUE -> entries.put(key, "on");
            case VALUE_FALSE -> entries.put(key, "off");
            default -> entries.put(key, parser.getText());
        }
    }
}
