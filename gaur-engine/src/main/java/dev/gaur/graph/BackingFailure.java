package dev.gaur.graph;

import dev.gaur.block.BlockException;

/**
 * Says that it is a backing file that cannot be opened, in QEMU's words: once for each layer above
 * it. The kind of error stays, and so do image and place, unless it is a file that cannot be had:
 * then it is the upper image that cannot be opened.
 */
final class BackingFailure {
    private static final String WORDS = "Could not open backing file: ";

    /** So many layers can be told apart; deeper ones are called this deep. */
    private static final int TIMES_MAX = 10;

    private BackingFailure() {}

    /**
     * Returns the failure with the words before it.
     *
     * @param depth how many layers lie above
     * @param top the name of the uppermost
     */
    static BlockException of(BlockException failure, int depth, String top) {
        String found = WORDS.repeat(Math.min(depth, TIMES_MAX)) + text(failure);
        String image = failure.image();
        String structure = failure.structure();
        long offset = failure.offset();
        return switch (failure) {
            case BlockException.Media media ->
                    new BlockException.Media(
                            top, "", BlockException.NO_OFFSET, found, media.errno(), media);
            case BlockException.Corrupt _ ->
                    new BlockException.Corrupt(image, structure, offset, found);
            case BlockException.Unsupported _ ->
                    new BlockException.Unsupported(image, structure, found);
            case BlockException.Denied _ -> new BlockException.Denied(image, structure, found);
            case BlockException.Busy _ -> new BlockException.Busy(image, structure, found);
        };
    }

    private static String text(BlockException failure) {
        String found = failure.found();
        char first = found.isEmpty() ? 'a' : found.charAt(0);
        if (failure instanceof BlockException.Media && first != '\'' && !isQemus(found)) {
            return "Could not open '%s': %s".formatted(failure.image(), found);
        }
        boolean sentence = Character.isUpperCase(first) || failure.structure().isEmpty();
        return sentence || first == '\'' ? found : failure.structure() + ": " + found;
    }

    /** Whether the name of the file is in a text already. */
    private static boolean isQemus(String found) {
        return found.startsWith("Could not ");
    }
}
