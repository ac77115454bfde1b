package dev.gaur.graph;

import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.filter.Breakpoints;
import dev.gaur.format.DetectZeroes;
import java.util.Optional;

/**
 * What becomes of requests to a device, before its image has them.
 *
 * @param writethrough every write is stable when it is done
 * @param unmap discards are obeyed, and zeros may give space back
 * @param detectZeroes what becomes of written zeros
 * @param guessedRaw the image is open for writing and was taken for a raw one by its content
 * @param breakpoints what stops requests in tests
 */
record DeviceOptions(
        boolean writethrough,
        boolean unmap,
        DetectZeroes detectZeroes,
        boolean guessedRaw,
        Optional<Breakpoints> breakpoints) {
    /** Requests reach the image as they are. */
    static final DeviceOptions PLAIN =
            new DeviceOptions(false, true, DetectZeroes.OFF, false, Optional.empty());

    Durability atLeast(Durability wanted) {
        return writethrough ? Durability.STABLE : wanted;
    }

    ZeroMode allowed(ZeroMode wanted) {
        if (unmap) {
            return wanted;
        }
        return wanted.mayWrite() ? ZeroMode.KEEP : ZeroMode.KEEP_FAST;
    }
}
