package dev.gaur.nbd;

import dev.gaur.block.BlockException;

/** Errors on the wire: a few of Linux's numbers, the same on every system. */
public final class NbdErrors {
    public static final int EPERM = 1;
    public static final int EIO = 5;
    public static final int ENOMEM = 12;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int EOVERFLOW = 75;
    public static final int ENOTSUP = 95;
    public static final int ESHUTDOWN = 108;

    private static final int EDQUOT = 122;
    private static final int EFBIG = 27;

    private NbdErrors() {}

    /** Returns the number for what a request failed with. */
    public static int of(Throwable failure) {
        return switch (failure) {
            case OutOfMemoryError _ -> ENOMEM;
            case BlockException.Denied _ -> EPERM;
            case BlockException.Unsupported _ -> ENOTSUP;
            case BlockException.Media media -> of(media.errno());
            case BlockException.Corrupt _, BlockException.Busy _ -> EIO;
            case IndexOutOfBoundsException _ -> EINVAL;
            default -> EIO;
        };
    }

    /** Returns the number for one of Linux's; what the protocol does not know is EIO. */
    private static int of(int errno) {
        return switch (errno) {
            case EPERM, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP -> errno;
            case EFBIG, EDQUOT -> ENOSPC;
            default -> EIO;
        };
    }

    /** Returns a word for a number, for messages. */
    public static String text(int errno) {
        return switch (errno) {
            case EPERM -> "Operation not permitted";
            case EIO -> "Input/output error";
            case ENOMEM -> "Cannot allocate memory";
            case EINVAL -> "Invalid argument";
            case ENOSPC -> "No space left on device";
            case EOVERFLOW -> "Value too large for defined data type";
            case ENOTSUP -> "Operation not supported";
            case ESHUTDOWN -> "Cannot send after transport endpoint shutdown";
            default -> "Unknown error " + errno;
        };
    }
}
