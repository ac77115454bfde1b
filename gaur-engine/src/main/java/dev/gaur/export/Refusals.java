package dev.gaur.export;

import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;

/** What requests are refused whatever the disk would say. */
final class Refusals {
    private Refusals() {}

    /** Returns the error of a request that must not reach the disk, 0 for one that may. */
    static int errorOf(Request request, Agreement agreed) {
        int type = request.type();
        boolean extended = agreed.isExtended();
        if (type > Nbd.CMD_BLOCK_STATUS || (request.flags() & ~flags(type, extended)) != 0) {
            return NbdErrors.EINVAL;
        }
        boolean changes =
                type == Nbd.CMD_WRITE || type == Nbd.CMD_TRIM || type == Nbd.CMD_WRITE_ZEROES;
        if (changes && !agreed.export().writable()) {
            return NbdErrors.EPERM;
        }
        if (type == Nbd.CMD_FLUSH || (type == Nbd.CMD_BLOCK_STATUS && request.hasPayload())) {
            return 0; // The one has no range, the other's is in the payload.
        }
        if (!isWithin(request, agreed.size())) {
            return changes && type != Nbd.CMD_TRIM ? NbdErrors.ENOSPC : NbdErrors.EINVAL;
        }
        boolean bounded = type == Nbd.CMD_READ || type == Nbd.CMD_WRITE || type == Nbd.CMD_CACHE;
        if (bounded && request.length() > Nbd.PAYLOAD_MAX) {
            return NbdErrors.EINVAL;
        }
        boolean status = type == Nbd.CMD_BLOCK_STATUS;
        return status && (request.length() == 0 || agreed.contexts().isEmpty())
                ? NbdErrors.EINVAL
                : 0;
    }

    static boolean isWithin(Request request, long size) {
        long offset = request.offset();
        long length = request.length();
        return offset >= 0 && length >= 0 && length <= size && offset <= size - length;
    }

    /** Returns the flags that a command may have; all may have FUA, as clients expect. */
    private static int flags(int type, boolean extended) {
        int payload = extended ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
        return Nbd.CMD_FLAG_FUA
                | switch (type) {
                    case Nbd.CMD_READ -> Nbd.CMD_FLAG_DF;
                    case Nbd.CMD_WRITE -> payload;
                    case Nbd.CMD_WRITE_ZEROES -> Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO;
                    case Nbd.CMD_BLOCK_STATUS -> Nbd.CMD_FLAG_REQ_ONE | payload;
                    default -> 0;
                };
    }
}
