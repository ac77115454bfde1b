package dev.gaur.filter;

import dev.gaur.block.BlockEvent;
import java.util.EnumSet;
import java.util.Set;

/**
 * What {@link BlkDebug} does when a request comes to a place.
 *
 * <p>A rule is in force only while the state is {@code state}; 0 is any state.
 */
public sealed interface DebugRule {
    /** Kinds of requests to storage. */
    enum IoType {
        /** Reads. */
        READ("read"),
        /** Writes. */
        WRITE("write"),
        /** Zeros. */
        WRITE_ZEROES("write-zeroes"),
        /** Discards. */
        DISCARD("discard"),
        /** Flushes. */
        FLUSH("flush"),
        /** Questions for extents. */
        BLOCK_STATUS("block-status");

        private final String text;

        IoType(String text) {
            this.text = text;
        }

        /** Returns QEMU's name for it. */
        public String text() {
            return text;
        }
    }

    /** All kinds that an error hits unless it names one. */
    Set<IoType> ALL_IO = EnumSet.complementOf(EnumSet.of(IoType.BLOCK_STATUS));

    /** Returns the place. */
    BlockEvent event();

    /** Returns the state in which it is in force, 0 for any. */
    int state();

    /**
     * Makes the requests after the event fail, until another event sets other errors.
     *
     * @param types which requests
     * @param errno Linux's number of the error
     * @param offset only requests that contain this byte, -1 for all
     * @param once only the first one
     */
    record InjectError(
            BlockEvent event, int state, Set<IoType> types, int errno, long offset, boolean once)
            implements DebugRule {}

    /** Changes the state. */
    record SetState(BlockEvent event, int state, int newState) implements DebugRule {}
}
