package dev.gaur.units;

/** A text that is no size. The message is for developers; programs have their own words. */
public final class SizeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final boolean outOfRange;

    SizeException(String text, boolean outOfRange) {
        super((outOfRange ? "size out of range: " : "not a size: ") + text);
        this.outOfRange = outOfRange;
    }

    /** Tells whether the text is a number, but too large; otherwise it is none. */
    public boolean outOfRange() {
        return outOfRange;
    }
}
