package dev.gaur.verify.engine;

import java.util.List;

/**
 * What a random test did, to be told when it fails.
 *
 * @param seed that all came from
 * @param spec the image
 * @param ops what was done to it
 */
record Story(long seed, ImageSpec spec, List<Op> ops) {
    /** Runs a test; a failure tells the story. */
    void tell(Runnable test) {
        try {
            test.run();
        } catch (RuntimeException | AssertionError failure) {
            throw retold("", failure);
        }
    }

    /** The failure, with where it happened and the story. */
    AssertionError retold(String where, Throwable failure) {
        return new AssertionError(failure.getMessage() + "\n" + where + this, failure);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        text.append("-Dgaur.seed=").append(seed).append('\n').append(spec).append('\n');
        for (int i = 0; i < ops.size(); i++) {
            text.append("  ").append(i).append(' ').append(ops.get(i)).append('\n');
        }
        return text.toString();
    }
}
