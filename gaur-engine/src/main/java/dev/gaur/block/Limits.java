package dev.gaur.block;

/**
 * What a node asks of requests, all in bytes.
 *
 * @param requestAlignment offsets and lengths must be multiples of it; 1 where any will do
 * @param memoryAlignment buffers must begin at multiples of it
 * @param preferredSize the size from which on requests are efficient
 */
public record Limits(int requestAlignment, int memoryAlignment, int preferredSize) {
    /** Takes everything; pages are preferred. */
    public static final Limits NONE = new Limits(1, 1, 4096);
}
