package dev.gaur.cli.figures;

/** Ends a run with a message for the user; not a bug. */
public final class FiguresException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Has a message that says what is wrong and, where it can, what to do. */
    public FiguresException(String message) {
        super(message);
    }

    FiguresException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Returns the message. */
    public String text() {
        String text = getMessage();
        return text == null ? "" : text;
    }
}
