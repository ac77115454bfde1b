package dev.gaur.export;

import dev.gaur.block.BlockIo;
import dev.gaur.nbd.Nbd;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A disk that a server offers under a name. Immutable but for its counters, which copies made by
 * the {@code with} methods share; the disk stays its owner's, who closes it after the export was
 * removed from every server.
 */
public final class Export {
    private final String name;
    private final String description;
    private final BlockIo disk;
    private final boolean writable;
    private final boolean shareable;
    private final List<StatusContext> contexts;
    private final ExportCounters counters;

    private Export(
            String name,
            String description,
            BlockIo disk,
            boolean writable,
            boolean shareable,
            List<StatusContext> contexts,
            ExportCounters counters) {
        this.name = checked(name);
        this.description = checked(description);
        this.disk = disk;
        this.writable = writable;
        this.shareable = shareable;
        this.contexts = List.copyOf(contexts);
        this.counters = counters;
    }

    private static String checked(String text) {
        if (text.getBytes(StandardCharsets.UTF_8).length > Nbd.STRING_MAX) {
            throw new IllegalArgumentException("longer than " + Nbd.STRING_MAX + " bytes");
        }
        return text;
    }

    /**
     * Returns a read-only export whose clients may ask where data is.
     *
     * @param name at most 4096 bytes of UTF-8; empty for what clients get that name none
     * @param disk any disk; must stay open while a server has the export
     * @throws IllegalArgumentException if the name is too long
     */
    public static Export of(String name, BlockIo disk) {
        List<StatusContext> contexts = List.of(StatusContext.ALLOCATION);
        return new Export(name, "", disk, false, true, contexts, new ExportCounters(name));
    }

    /** Returns the same disk under a description, of at most 4096 bytes of UTF-8. */
    public Export withDescription(String other) {
        return new Export(name, other, disk, writable, shareable, contexts, counters);
    }

    /** Returns the same disk for writing too, or not. */
    public Export withWritable(boolean other) {
        return new Export(name, description, disk, other, shareable, contexts, counters);
    }

    /**
     * Returns the same disk, which says that a client may use it through several connections at
     * once, or does not. It may unless the disk lacks what {@link BlockIo#flush} promises: that it
     * covers all writes that returned before, whoever made them.
     */
    public Export withSeveralConnections(boolean other) {
        return new Export(name, description, disk, writable, other, contexts, counters);
    }

    /** Returns the same disk with other contexts that clients may ask for. */
    public Export withContexts(List<StatusContext> others) {
        return new Export(name, description, disk, writable, shareable, others, counters);
    }

    /** Returns the name that clients ask for. */
    public String name() {
        return name;
    }

    /** Returns a text for people; may be empty. */
    public String description() {
        return description;
    }

    /** Returns the disk. */
    public BlockIo disk() {
        return disk;
    }

    /** Tells whether clients may write. */
    public boolean writable() {
        return writable;
    }

    /** Returns what clients may ask about ranges. */
    public List<StatusContext> contexts() {
        return contexts;
    }

    /** Returns what clients have done so far. Never blocks. */
    public ExportTotals totals() {
        return counters.totals();
    }

    ExportCounters counters() {
        return counters;
    }

    /** Returns what the protocol calls transmission flags. */
    int flags(ReplyFormat format) {
        int flags = Nbd.HAS_FLAGS | Nbd.SEND_FLUSH | Nbd.SEND_FUA | Nbd.SEND_CACHE;
        flags |= shareable ? Nbd.CAN_MULTI_CONN : 0;
        flags |= format == ReplyFormat.SIMPLE ? 0 : Nbd.SEND_DF;
        flags |= format == ReplyFormat.EXTENDED ? Nbd.BLOCK_STATUS_PAYLOAD : 0;
        return writable
                ? flags | Nbd.SEND_TRIM | Nbd.SEND_WRITE_ZEROES | Nbd.SEND_FAST_ZERO
                : flags | Nbd.READ_ONLY;
    }
}
