package dev.gaur;

/** Which Gaur this is. */
public final class Version {
    private static final String CURRENT = "0.1.0";

    private Version() {}

    /**
     * The version of this library.
     *
     * @return the number alone, for example {@code 0.1.0}
     */
    public static String current() {
        return CURRENT;
    }
}
