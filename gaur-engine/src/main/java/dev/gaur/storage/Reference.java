package dev.gaur.storage;

/**
 * Something outside that an image names, exactly as it stands in the image. Hostile until an {@link
 * OpenPolicy} let it pass.
 *
 * @param kind what it is to the image
 * @param name the name in the image; never parsed as an option string or a URI of another driver
 * @param format the format that the image states for it, empty if none
 * @param fromImage the name of the image
 */
public record Reference(Kind kind, String name, String format, String fromImage) {
    /** What the referenced file is to the image. */
    public enum Kind {
        /** Holds what the image does not. */
        BACKING_FILE("backing file"),
        /** Holds all guest data of the image. */
        DATA_FILE("external data file");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /** Returns the words for messages. */
        public String text() {
            return text;
        }
    }
}
