package dev.gaur.format;

import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Values of options of creating an image: read from {@code name=value,name=value}, kept in one
 * normal form, and printed. The last value of an option counts. A comma in a value is written
 * twice. A switch may be given as {@code name} or {@code noname}. Not safe for use by many threads.
 */
public final class CreateOptionValues {
    private final List<CreateOption> known;
    private final Map<String, String> values = new HashMap<>();

    /** Starts with no values. */
    public CreateOptionValues(List<CreateOption> known) {
        this.known = known;
    }

    /**
     * Takes over all values of a text.
     *
     * @throws IllegalArgumentException for an unknown option or a value of the wrong kind, in
     *     QEMU's words
     */
    public void parse(String text) {
        for (String item : split(text)) {
            int equals = item.indexOf('=');
            if (equals >= 0) {
                put(item.substring(0, equals), item.substring(equals + 1));
            } else if (item.startsWith("no") && !isKnown(item)) {
                put(item.substring(2), "off");
            } else {
                put(item, "on");
            }
        }
    }

    private static List<String> split(String text) {
        List<String> items = new ArrayList<>();
        StringBuilder item = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean comma = c == ',';
            if (comma && i + 1 < text.length() && text.charAt(i + 1) == ',') {
                i++; // Two commas stand for one that separates nothing.
                comma = false;
            }
            if (comma) {
                items.add(item.toString());
                item.setLength(0);
            } else {
                item.append(c);
            }
        }
        if (!item.isEmpty()) {
            items.add(item.toString());
        }
        return items;
    }

    private boolean isKnown(String name) {
        return known.stream().anyMatch(option -> option.name().equals(name));
    }

    /**
     * Sets a value.
     *
     * @throws IllegalArgumentException for an unknown option or a value of the wrong kind
     */
    public void put(String name, String value) {
        CreateOption option =
                known.stream()
                        .filter(each -> each.name().equals(name))
                        .findFirst()
                        .orElseThrow(() -> wrong("Invalid parameter '" + name + "'"));
        values.put(name, normal(option, value));
    }

    /** Sets a value unless there is one already. */
    public void putDefault(String name, String value) {
        if (!values.containsKey(name)) {
            put(name, value);
        }
    }

    private static String normal(CreateOption option, String value) {
        return switch (option.kind()) {
            case TEXT -> value;
            case SIZE -> size(option.name(), value);
            case NUMBER -> number(option.name(), value);
            case SWITCH -> {
                if (!value.equals("on") && !value.equals("off")) {
                    throw wrong("Parameter '" + option.name() + "' expects 'on' or 'off'");
                }
                yield value;
            }
        };
    }

    private static String size(String name, String value) {
        try {
            return Long.toString(Sizes.parse(value));
        } catch (SizeException problem) {
            if (problem.outOfRange()) {
                throw wrong("Value '" + value + "' is out of range for parameter '" + name + "'");
            }
            throw wrong(
                    "Parameter '"
                            + name
                            + "' expects a non-negative number below 2^64\n"
                            + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-,"
                            + " tera-, peta-\nand exabytes, respectively.");
        }
    }

    private static String number(String name, String value) {
        try {
            return Long.toString(Long.decode(value));
        } catch (NumberFormatException _) {
            throw wrong("Parameter '" + name + "' expects a number");
        }
    }

    private static IllegalArgumentException wrong(String text) {
        return new IllegalArgumentException(text);
    }

    /** Tells whether an option has a value. */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** Returns the value of an option, or what is to be taken for it if it has none. */
    public String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    /** Returns the value of a size or number. */
    public long number(String name, long otherwise) {
        String value = values.get(name);
        return value == null ? otherwise : Long.parseLong(value);
    }

    /** Tells whether a switch is on; off is what counts without a value. */
    public boolean isOn(String name) {
        return text(name, "off").equals("on");
    }

    /** Prints all values in the order of the known options: {@code name=value name=value}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (CreateOption option : known) {
            String value = values.get(option.name());
            if (value != null) {
                text.append(text.isEmpty() ? "" : " ");
                text.append(option.name()).append('=').append(value.replace(",", ",,"));
            }
        }
        return text.toString();
    }
}
