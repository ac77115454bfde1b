package dev.gaur.block;

import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why a request or an open failed: an operating error, not a bug. Each names the image, the
 * structure, the place and what was found there. Unchecked, since nearly every method of the
 * library may fail this way and most callers can only pass it on.
 */
public abstract sealed class BlockException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The offset of an error that has no place. */
    public static final long NO_OFFSET = -1;

    private final String image;
    private final String structure;
    private final long offset;
    private final String found;

    private BlockException(
            String image, String structure, long offset, String found, @Nullable Throwable cause) {
        super(message(image, structure, offset, found), cause);
        this.image = image;
        this.structure = structure;
        this.offset = offset;
        this.found = found;
    }

    private static String message(String image, String structure, long offset, String found) {
        String place =
                offset == NO_OFFSET
                        ? structure
                        : String.format(Locale.ROOT, "%s at offset 0x%x", structure, offset);
        return image + ": " + (place.isEmpty() ? found : place + ": " + found);
    }

    /** Returns image, place and what was found, in one line. */
    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }

    /** Returns the name of the image or file. */
    public String image() {
        return image;
    }

    /** Returns the structure concerned, such as {@code L2 table 3}; empty if it is the whole. */
    public String structure() {
        return structure;
    }

    /** Returns the byte offset in the file, or {@link #NO_OFFSET}. */
    public long offset() {
        return offset;
    }

    /** Returns what was found and is wrong, without image and place. */
    public String found() {
        return found;
    }

    /** The image contradicts its format. */
    public static final class Corrupt extends BlockException {
        private static final long serialVersionUID = 1;

        /** An error at a byte offset of the file. */
        public Corrupt(String image, String structure, long offset, String found) {
            super(image, structure, offset, found, null);
        }
    }

    /** The image or the request is legal, but not for this version of Gaur or this format. */
    public static final class Unsupported extends BlockException {
        private static final long serialVersionUID = 1;

        /** An error of a structure or feature. */
        public Unsupported(String image, String structure, String found) {
            super(image, structure, NO_OFFSET, found, null);
        }
    }

    /** Policy, rights or read-only state forbid it. */
    public static final class Denied extends BlockException {
        private static final long serialVersionUID = 1;

        /** A refusal. */
        public Denied(String image, String structure, String found) {
            super(image, structure, NO_OFFSET, found, null);
        }
    }

    /** Somebody else holds it. */
    public static final class Busy extends BlockException {
        private static final long serialVersionUID = 1;

        /** A refusal that another process or job causes. */
        public Busy(String image, String structure, String found) {
            super(image, structure, NO_OFFSET, found, null);
        }
    }

    /** The storage failed: an I/O error, no space, no such file. */
    public static final class Media extends BlockException {
        private static final long serialVersionUID = 1;

        private final int errno;

        /** An error of the storage; {@code errno} is Linux's number, 5 (EIO) where unknown. */
        public Media(
                String image,
                String structure,
                long offset,
                String found,
                int errno,
                @Nullable Throwable cause) {
            super(image, structure, offset, found, cause);
            this.errno = errno;
        }

        /** Returns Linux's error number. */
        public int errno() {
            return errno;
        }
    }
}
