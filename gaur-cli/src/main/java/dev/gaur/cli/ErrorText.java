package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.storage.nbd.NbdAddress;

/** Puts errors of the engine in the words that qemu-img has for them, where it has some. */
final class ErrorText {
    private static final int EISDIR = 21;

    private ErrorText() {}

    /** Returns one line or more for an error after an image was opened. */
    static String of(BlockException error) {
        return switch (error) {
            case BlockException.Media media -> media.image() + ": " + errorName(media);
            case BlockException.Corrupt _,
                    BlockException.Unsupported _,
                    BlockException.Denied _,
                    BlockException.Busy _ ->
                    String.valueOf(error.getMessage());
        };
    }

    /**
     * Returns the failure to open an image, with exit code 1.
     *
     * @param file the name that the user gave
     */
    static CommandException cannotOpen(String file, BlockException error) {
        return cannotOpen(file, error, 1);
    }

    /** The same with another exit code. */
    static CommandException cannotOpen(String file, BlockException error, int exitCode) {
        return new CommandException(
                "Could not open '" + file + "': " + whyNotOpen(error), exitCode);
    }

    /** The same with exit code 1, and with words before the name such as {@code old image }. */
    static CommandException cannotOpen(String what, String file, BlockException error) {
        return new CommandException(
                "Could not open " + what + "'" + file + "': " + whyNotOpen(error));
    }

    /** Returns why an image could not be opened, without its name. */
    static String whyNotOpen(BlockException error) {
        return switch (error) {
            case BlockException.Media media when media.errno() == EISDIR ->
                    "'file' driver requires '" + media.image() + "' to be a regular file";
            case BlockException.Media media when isSentence(media) -> media.found();
            case BlockException.Media media ->
                    "Could not open '" + media.image() + "': " + errorName(media);
            case BlockException.Corrupt _,
                    BlockException.Unsupported _,
                    BlockException.Denied _,
                    BlockException.Busy _ ->
                    found(error);
        };
    }

    /** What went wrong, without the image's name. */
    static String found(BlockException error) {
        return error.structure().isEmpty() || isSentence(error)
                ? error.found()
                : error.structure() + ": " + error.found();
    }

    /** The engine begins only what it says in QEMU's words with a capital letter or a quote. */
    private static boolean isSentence(BlockException error) {
        String found = error.found();
        return !found.isEmpty()
                && !(error instanceof BlockException.Media media && errorName(media).equals(found))
                && (Character.isUpperCase(found.charAt(0))
                        || found.startsWith("'file' driver")
                        || isOfServer(error));
    }

    /** What a server says when it is asked for an export, or why it was not asked. */
    private static boolean isOfServer(BlockException error) {
        return error.structure().isEmpty() && NbdAddress.isAddress(error.image());
    }

    /** Returns why a request failed, in the C library's words. */
    static String errorName(BlockException error) {
        return switch (error) {
            case BlockException.Media media -> errorName(media);
            case BlockException.Corrupt _ -> "Input/output error";
            case BlockException.Unsupported _ -> "Operation not supported";
            case BlockException.Denied _ -> "Operation not permitted";
            case BlockException.Busy _ -> "Device or resource busy";
        };
    }

    /** The C library's words, which scripts look for; the engine's for numbers not listed. */
    private static String errorName(BlockException.Media error) {
        return nameOf(error.errno(), error.found());
    }

    /** "Operation not supported", as Linux numbers it. */
    static final int NOT_SUPPORTED = 95;

    /** The number that QEMU has for an error. */
    static int number(BlockException error) {
        return switch (error) {
            case BlockException.Media media -> media.errno();
            case BlockException.Unsupported _ -> NOT_SUPPORTED;
            case BlockException.Denied _ -> 1;
            case BlockException.Busy _ -> 16;
            case BlockException.Corrupt _ -> 5;
        };
    }

    /** The C library's words for a number. */
    static String nameOf(int errno, String otherwise) {
        return switch (errno) {
            case 1 -> "Operation not permitted";
            case 2 -> "No such file or directory";
            case 5 -> "Input/output error";
            case 6 -> "No such device or address";
            case 13 -> "Permission denied";
            case 16 -> "Device or resource busy";
            case 17 -> "File exists";
            case 20 -> "Not a directory";
            case EISDIR -> "Is a directory";
            case 22 -> "Invalid argument";
            case 26 -> "Text file busy";
            case 27 -> "File too large";
            case 28 -> "No space left on device";
            case 30 -> "Read-only file system";
            case 36 -> "File name too long";
            case 40 -> "Too many levels of symbolic links";
            case NOT_SUPPORTED -> "Operation not supported";
            default -> otherwise;
        };
    }
}
