package dev.gaur.export;

import java.util.List;

/**
 * What a handshake has led to.
 *
 * @param export what the client uses from now on
 * @param size of its disk in bytes, as the client was told
 * @param format of replies
 * @param contexts what it may ask about ranges; the index is the number on the wire
 */
record Agreement(Export export, long size, ReplyFormat format, List<ChosenContext> contexts) {
    boolean isExtended() {
        return format == ReplyFormat.EXTENDED;
    }
}
