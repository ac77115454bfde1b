package dev.gaur.ffi;

/** Linux's error numbers and the C library's words for them. */
public final class Errno {

    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EAGAIN = 11;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int ENOLCK = 37;
    public static final int ENOSYS = 38;
    public static final int EOPNOTSUPP = 95;
    public static final int ECONNREFUSED = 111;

    /** Texts by number; those that using a file or a socket can bring. */
    private static final String[] TEXTS = {
        "Success",
        "Operation not permitted",
        "No such file or directory",
        "No such process",
        "Interrupted system call",
        "Input/output error",
        "No such device or address",
        "Argument list too long",
        "Exec format error",
        "Bad file descriptor",
        "No child processes",
        "Resource temporarily unavailable",
        "Cannot allocate memory",
        "Permission denied",
        "Bad address",
        "Block device required",
        "Device or resource busy",
        "File exists",
        "Invalid cross-device link",
        "No such device",
        "Not a directory",
        "Is a directory",
        "Invalid argument",
        "Too many open files in system",
        "Too many open files",
        "Inappropriate ioctl for device",
        "Text file busy",
        "File too large",
        "No space left on device",
        "Illegal seek",
        "Read-only file system",
        "Too many links",
        "Broken pipe",
        "Numerical argument out of domain",
        "Numerical result out of range",
        "Resource deadlock avoided",
        "File name too long",
        "No locks available",
        "Function not implemented",
        "Directory not empty",
        "Too many levels of symbolic links"
    };

    private Errno() {}

    /**
     * What {@code strerror} says, in the C locale.
     *
     * @param errno positive
     */
    public static String text(int errno) {
        return switch (errno) {
            case EOPNOTSUPP -> "Operation not supported";
            case 75 -> "Value too large for defined data type";
            case 97 -> "Address family not supported by protocol";
            case 98 -> "Address already in use";
            case 99 -> "Cannot assign requested address";
            case 101 -> "Network is unreachable";
            case 104 -> "Connection reset by peer";
            case 110 -> "Connection timed out";
            case ECONNREFUSED -> "Connection refused";
            case 113 -> "No route to host";
            case 116 -> "Stale file handle";
            case 121 -> "Remote I/O error";
            case 122 -> "Disk quota exceeded";
            default -> errno < TEXTS.length ? TEXTS[errno] : "Unknown error " + errno;
        };
    }

    /**
     * The number behind a text; Java's exceptions carry nothing else.
     *
     * @return {@link #EIO} if nothing in the text is known
     */
    public static int ofText(String text) {
        for (int errno = 1; errno < TEXTS.length; errno++) {
            if (text.contains(TEXTS[errno])) {
                return errno;
            }
        }
        return text.contains(text(122)) ? 122 : EIO;
    }
}
