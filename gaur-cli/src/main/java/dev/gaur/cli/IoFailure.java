package dev.gaur.cli;

/** Ends one command of {@code gaur io} with a message; the commands after it still run. */
final class IoFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean toError;

    private IoFailure(String message, boolean toError) {
        super(message, null, false, false); // Not a bug: nobody reads the stack.
        this.toError = toError;
    }

    /** A failure that is told on standard output, as qemu-io does with most. */
    static IoFailure told(String line) {
        return new IoFailure(line, false);
    }

    /** A failure that is told on standard error. */
    static IoFailure complained(String line) {
        return new IoFailure(line, true);
    }

    boolean isForError() {
        return toError;
    }

    String text() {
        String text = getMessage();
        return text == null ? "" : text;
    }
}
