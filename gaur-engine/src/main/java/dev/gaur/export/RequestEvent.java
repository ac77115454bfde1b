package dev.gaur.export;

import dev.gaur.nbd.Nbd;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * A request of an NBD client for the JDK's Flight Recorder, from its arrival until it is done. Safe
 * to hand from thread to thread.
 */
@Name("gaur.NbdRequest")
@Label("NBD Request")
@Category({"Gaur", "NBD"})
@Description("A request of an NBD client, from its arrival until its answer is ready")
@StackTrace(false)
final class RequestEvent extends Event {
    @Label("Export")
    private String export = "";

    @Label("Type")
    private String type = "";

    @Label("Offset")
    private long offset;

    @Label("Length")
    @DataAmount
    private long length;

    @Label("Error")
    @Description("The number that the client was told, 0 for success")
    private int error;

    private RequestEvent() {}

    /**
     * Returns an event that begins now; null if nobody records. As long as nobody ever has, not
     * even this class is loaded: that would take the first request a quarter of a second.
     */
    static @Nullable RequestEvent now() {
        RequestEvent event = new RequestEvent();
        if (!event.isEnabled()) {
            return null;
        }
        event.begin();
        return event;
    }

    /** The request is done, with an error of the protocol or 0. */
    void done(String exportName, Request request, int number) {
        if (!shouldCommit()) {
            return;
        }
        export = exportName;
        type = name(request.type());
        offset = request.offset();
        length = request.length();
        error = number;
        commit();
    }

    private static String name(int type) {
        return switch (type) {
            case Nbd.CMD_READ -> "read";
            case Nbd.CMD_WRITE -> "write";
            case Nbd.CMD_FLUSH -> "flush";
            case Nbd.CMD_TRIM -> "trim";
            case Nbd.CMD_CACHE -> "cache";
            case Nbd.CMD_WRITE_ZEROES -> "zero";
            case Nbd.CMD_BLOCK_STATUS -> "status";
            default -> Integer.toString(type);
        };
    }

    // Only Flight Recorder reads the fields; these keep the compiler from calling them unused.

    @Override
    public String toString() {
        return type + " of " + export + " at " + offset + ", " + length + ": " + error;
    }
}
