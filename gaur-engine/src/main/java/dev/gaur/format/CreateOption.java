package dev.gaur.format;

/**
 * An option of creating an image, as it is given after {@code -o}.
 *
 * @param name QEMU's name for it
 * @param kind what values it takes
 * @param help a line of explanation
 */
public record CreateOption(String name, Kind kind, String help) {
    /** Kinds of values. */
    public enum Kind {
        /** Any text. */
        TEXT("str"),
        /** Bytes, such as {@code 64k}. */
        SIZE("size"),
        /** A number. */
        NUMBER("num"),
        /** On or off. */
        SWITCH("bool (on/off)");

        private final String placeholder;

        Kind(String placeholder) {
            this.placeholder = placeholder;
        }

        /** Returns what help prints in place of a value. */
        public String placeholder() {
            return placeholder;
        }
    }
}
