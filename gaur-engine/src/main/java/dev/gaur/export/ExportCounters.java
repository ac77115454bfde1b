package dev.gaur.export;

import dev.gaur.nbd.Nbd;
import java.util.concurrent.atomic.LongAdder;

/** Counts what an export does. Safe for use by many threads. */
final class ExportCounters {
    private static final int KINDS = Nbd.CMD_BLOCK_STATUS + 1;

    private final String export;

    private final LongAdder[] requests = adders();
    private final LongAdder readBytes = new LongAdder();
    private final LongAdder writtenBytes = new LongAdder();
    private final LongAdder errors = new LongAdder();

    /** Counts for the export of that name. */
    ExportCounters(String export) {
        this.export = export;
    }

    private static LongAdder[] adders() {
        LongAdder[] adders = new LongAdder[KINDS];
        for (int i = 0; i < KINDS; i++) {
            adders[i] = new LongAdder();
        }
        return adders;
    }

    /** Counts a request that was answered, with an error of the protocol or 0. */
    void count(Request request, int error) {
        RequestEvent event = request.event();
        if (event != null) {
            event.done(export, request, error);
        }
        int type = request.type();
        if (type < KINDS) {
            requests[type].increment();
        }
        if (error != 0) {
            errors.increment();
        } else if (type == Nbd.CMD_READ) {
            readBytes.add(request.length());
        } else if (type == Nbd.CMD_WRITE) {
            writtenBytes.add(request.length());
        }
    }

    ExportTotals totals() {
        return new ExportTotals(
                requests[Nbd.CMD_READ].sum(),
                readBytes.sum(),
                requests[Nbd.CMD_WRITE].sum(),
                writtenBytes.sum(),
                requests[Nbd.CMD_WRITE_ZEROES].sum(),
                requests[Nbd.CMD_TRIM].sum(),
                requests[Nbd.CMD_FLUSH].sum(),
                requests[Nbd.CMD_CACHE].sum() + requests[Nbd.CMD_BLOCK_STATUS].sum(),
                errors.sum());
    }
}
