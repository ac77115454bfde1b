package dev.gaur.storage;

import java.util.Locale;
import java.util.Optional;

/** When a write is done and what a flush does: QEMU's cache modes. */
public enum CacheMode {
    /** A write is done when the system has it; a flush brings it to the disk. */
    WRITEBACK(false, false, false),
    /** A write is done when it is on the disk. */
    WRITETHROUGH(false, false, true),
    /** As {@link #WRITEBACK}, past the page cache. */
    NONE(true, false, false),
    /** As {@link #WRITETHROUGH}, past the page cache. */
    DIRECTSYNC(true, false, true),
    /** As {@link #WRITEBACK}, but a flush does nothing: a crash of the system may lose all. */
    UNSAFE(false, true, false);

    private final boolean direct;
    private final boolean noFlush;
    private final boolean writethrough;

    CacheMode(boolean direct, boolean noFlush, boolean writethrough) {
        this.direct = direct;
        this.noFlush = noFlush;
        this.writethrough = writethrough;
    }

    /** Tells whether requests go past the page cache ({@code cache.direct}). */
    public boolean direct() {
        return direct;
    }

    /** Tells whether flushes do nothing ({@code cache.no-flush}). */
    public boolean noFlush() {
        return noFlush;
    }

    /** Tells whether each write is stable when it is done. */
    public boolean writethrough() {
        return writethrough;
    }

    /** Finds a mode by QEMU's name for it; {@code off} is {@link #NONE}. */
    public static Optional<CacheMode> named(String name) {
        if (name.equals("off")) {
            return Optional.of(NONE);
        }
        for (CacheMode mode : values()) {
            if (mode.name().toLowerCase(Locale.ROOT).equals(name)) {
                return Optional.of(mode);
            }
        }
        return Optional.empty();
    }
}
