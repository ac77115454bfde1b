package dev.gaur.cli;

import dev.gaur.json.JsonWriter;
import dev.gaur.units.Sizes;
import java.io.PrintStream;

/**
 * Shows how far a command is. Safe for many threads: updates that are not worth showing return
 * without a lock.
 */
final class Progress implements AutoCloseable {
    /** What it looks like. */
    enum Form {
        NONE,
        /** {@code (12.34/100%)} on standard output, as qemu-img's {@code -p} prints it. */
        QEMU,
        /** One line that is written over, on standard error. */
        TERMINAL,
        /** One line of JSON for each step, on standard error. */
        JSON
    }

    private static final long INTERVAL_NANOS = 200_000_000;
    private static final double PERCENT_STEP = 1;

    private final Form form;
    private final PrintStream out;
    private final long start = System.nanoTime();
    private long done;
    private long total;
    private volatile long shownNanos = start;
    private volatile double shownPercent;

    Progress(Form form, PrintStream out) {
        this.form = form;
        this.out = out;
        if (form == Form.QEMU) {
            showPercent(0);
        }
    }

    static Progress of(Invocation call) {
        boolean asked = call.has(Options.PROGRESS);
        String how = call.value(Options.PROGRESS, "");
        if (how.equals("json")) {
            return new Progress(Form.JSON, call.err());
        }
        if (!how.isEmpty()) {
            throw new CommandException("--progress must be used with json as argument, or none.");
        }
        if (call.has(Options.QUIET)) {
            return new Progress(Form.NONE, call.err());
        }
        if (call.program().isQemu()) {
            return new Progress(asked ? Form.QEMU : Form.NONE, call.out());
        }
        boolean show = asked || Terminal.is(Terminal.ERROR);
        return new Progress(show ? Form.TERMINAL : Form.NONE, call.err());
    }

    /**
     * Tells how far the work is.
     *
     * @param doneNow bytes or other units done; must not fall
     * @param totalNow units in all; may change
     */
    void update(long doneNow, long totalNow) {
        if (form == Form.NONE || totalNow <= 0) {
            return;
        }
        double percent = Math.min(100, doneNow * 100.0 / totalNow);
        boolean due =
                form == Form.QEMU
                        ? percent >= 100 || percent > shownPercent + PERCENT_STEP
                        : System.nanoTime() - shownNanos > INTERVAL_NANOS;
        if (due) {
            show(doneNow, totalNow, percent);
        } else {
            synchronized (this) {
                done = Math.max(done, doneNow);
                total = totalNow;
            }
        }
    }

    /** All is done: shows 100 %. Not called when the work fails. */
    void complete() {
        switch (form) {
            case NONE, TERMINAL -> {}
            case QEMU -> showPercent(100);
            case JSON -> showJson(total, total, 100);
        }
    }

    /** Ends the display; a terminal's line is left empty. */
    @Override
    public synchronized void close() {
        switch (form) {
            case NONE, JSON -> {}
            case QEMU -> out.print("\n");
            case TERMINAL -> out.print(Terminal.ERASE_LINE);
        }
        out.flush();
    }

    private synchronized void show(long doneNow, long totalNow, double percent) {
        done = Math.max(done, doneNow);
        total = totalNow;
        if (percent < shownPercent) {
            return; // Another thread was further.
        }
        switch (form) {
            case NONE -> {}
            case QEMU -> showPercent(percent);
            case TERMINAL -> out.print(Terminal.ERASE_LINE + line(percent));
            case JSON -> showJson(done, total, percent);
        }
        out.flush();
        shownNanos = System.nanoTime();
        shownPercent = percent;
    }

    private synchronized void showPercent(double percent) {
        out.print("    (" + twoDecimals(percent) + "/100%)\r");
        out.flush();
        shownPercent = percent;
    }

    /** Without String.format, which would load a parser for formats and a locale. */
    private static String twoDecimals(double percent) {
        long hundredths = Math.round(percent * 100);
        String rest = Long.toString(100 + hundredths % 100);
        return hundredths / 100 + "." + rest.substring(1);
    }

    private String line(double percent) {
        long eta = etaSeconds();
        String line = "    " + twoDecimals(percent) + " %, " + Sizes.human(rate()) + "/s";
        return eta < 0 ? line : line + ", " + clock(eta) + " left";
    }

    private synchronized void showJson(long doneNow, long totalNow, double percent) {
        JsonWriter json = JsonWriter.oneLine().beginObject();
        json.entry("done", doneNow).entry("total", totalNow);
        json.key("percent").number(twoDecimals(percent));
        json.entry("rate", rate()).entry("eta-seconds", percent >= 100 ? 0 : etaSeconds());
        out.print(json.endObject() + "\n");
    }

    /** Units per second since the start. */
    private long rate() {
        double seconds = (System.nanoTime() - start) / 1e9;
        return seconds <= 0 ? 0 : (long) (done / seconds);
    }

    /** Seconds left at the rate so far, -1 if nothing is known yet. */
    private long etaSeconds() {
        long rate = rate();
        return rate == 0 ? -1 : (total - done) / rate;
    }

    private static String clock(long seconds) {
        String rest = Long.toString(100 + seconds % 60).substring(1);
        return seconds / 60 + ":" + rest;
    }
}
