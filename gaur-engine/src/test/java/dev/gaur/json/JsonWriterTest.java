package dev.gaur.json;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

class JsonWriterTest {
    @Test
    void theLayoutIsQemus() {
        JsonWriter json = JsonWriter.pretty();
        json.beginObject().entry("size", 5).key("flags").beginArray().value("a").value("b");
        json.endArray().key("none").beginArray().endArray().key("data").beginObject();
        json.entry("dirty-flag", false).endObject().endObject();

        assertEquals(
                """
                {
                    "size": 5,
                    "flags": [
                        "a",
                        "b"
                    ],
                    "none": [
                    ],
                    "data": {
                        "dirty-flag": false
                    }
                }""",
                json.toString());
    }

    @Test
    void oneLineHasNoLineBreaks() {
        JsonWriter json = JsonWriter.oneLine().beginArray().beginObject();
        json.entry("a", 1).key("b").number("1.50").endObject().value(true).endArray();

        assertEquals("[{\"a\": 1, \"b\": 1.50}, true]", json.toString());
    }

    @Test
    void allButPrintableAsciiIsEscapedAsQemuDoes() {
        String json = JsonWriter.pretty().value("a\u007f\u00e9\t\ud83d\ude00/\"\\\b").toString();

        assertEquals("\"a\\u007F\\u00E9\\t\\uD83D\\uDE00/\\\"\\\\\\b\"", json);
    }

    @Test
    void anyStringComesBackThroughAnotherParser() throws IOException {
        long seed = Long.getLong("gaur.seed", 20261122L);
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            StringBuilder text = new StringBuilder();
            for (int length = random.nextInt(20); length > 0; length--) {
                text.append((char) random.nextInt(0x10000));
            }
            String json = JsonWriter.pretty().value(text.toString()).toString();
            try (var parser = new JsonFactory().createParser(json)) {
                assertEquals(JsonToken.VALUE_STRING, parser.nextToken());
                assertEquals(text.toString(), parser.getText(), "seed " + seed);
            }
        }
    }
}
