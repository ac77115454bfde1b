package dev.gaur.codec;

/** Compressed bytes break the rules of their format. Never leaves this package. */
final class DamagedException extends Exception {

    private static final long serialVersionUID = 1;

    DamagedException(String what) {
        super(what, null, false, false); // no stack trace: it only carries the answer "no"
    }

    static void unless(boolean rule, String what) throws DamagedException {
        if (!rule) {
            throw new DamagedException(what);
        }
    }
}
