package dev.gaur.block;

/** What may happen to the space under a range that is made zero, and how much work it may take. */
public enum ZeroMode {
    /** The space stays reserved. */
    KEEP,
    /** The space may be given back. */
    UNMAP,
    /** As {@link #KEEP}, but {@link BlockException.Unsupported} rather than writing zeros. */
    KEEP_FAST,
    /** As {@link #UNMAP}, but {@link BlockException.Unsupported} rather than writing zeros. */
    UNMAP_FAST;

    /** Tells whether the space may be given back. */
    public boolean unmaps() {
        return this == UNMAP || this == UNMAP_FAST;
    }

    /** Tells whether zeros may be written where there is no faster way. */
    public boolean mayWrite() {
        return this == KEEP || this == UNMAP;
    }
}
