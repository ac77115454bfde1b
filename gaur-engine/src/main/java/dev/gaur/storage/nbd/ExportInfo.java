package dev.gaur.storage.nbd;

import dev.gaur.nbd.Nbd;
import java.util.List;

/**
 * What a server says of an export. All sizes in bytes.
 *
 * @param name as the client asked for it
 * @param description a text for people, empty if there is none
 * @param size of the disk
 * @param flags what the protocol calls transmission flags, see {@link Nbd#HAS_FLAGS} and after
 * @param minimumBlock offsets and lengths of requests must be multiples of it
 * @param preferredBlock from which size on requests are efficient
 * @param maximumBlock the longest read or write
 * @param statesBlocks whether the server said so itself, and these are not what one assumes
 * @param contexts what was agreed on for block status; in a list of exports, what there is
 * @param replies how requests and answers look
 */
public record ExportInfo(
        String name,
        String description,
        long size,
        int flags,
        int minimumBlock,
        int preferredBlock,
        int maximumBlock,
        boolean statesBlocks,
        List<String> contexts,
        ReplyMode replies) {
    private static final int SECTOR = 512;
    private static final int PAGE = 4096;

    /** How requests and answers look. */
    public enum ReplyMode {
        /** One answer of a fixed form. */
        SIMPLE,
        /** Answers in chunks; block status. */
        STRUCTURED,
        /** The same with lengths of 64 bits. */
        EXTENDED
    }

    /** Tells whether all of some flags are set. */
    public boolean has(int flag) {
        return (flags & flag) == flag;
    }

    /** Tells whether writing is refused. */
    public boolean isReadOnly() {
        return has(Nbd.READ_ONLY);
    }

    /** What one assumes of a server that says nothing about blocks; sectors, as QEMU does. */
    static ExportInfo plain(String name, long size, int flags) {
        int least = size % SECTOR == 0 ? SECTOR : 1;
        return new ExportInfo(
                name,
                "",
                size,
                flags,
                least,
                PAGE,
                Nbd.PAYLOAD_MAX,
                false,
                List.of(),
                ReplyMode.SIMPLE);
    }

    ExportInfo withDescription(String other) {
        return new ExportInfo(
                name,
                other,
                size,
                flags,
                minimumBlock,
                preferredBlock,
                maximumBlock,
                statesBlocks,
                contexts,
                replies);
    }

    ExportInfo withBlocks(int least, int preferred, int most) {
        return new ExportInfo(
                name, description, size, flags, least, preferred, most, true, contexts, replies);
    }

    ExportInfo withContexts(List<String> others, ReplyMode mode) {
        return new ExportInfo(
                name,
                description,
                size,
                flags,
                minimumBlock,
                preferredBlock,
                maximumBlock,
                statesBlocks,
                List.copyOf(others),
                mode);
    }
}
