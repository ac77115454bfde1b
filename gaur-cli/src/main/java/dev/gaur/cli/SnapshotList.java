package dev.gaur.cli;

import dev.gaur.format.SnapshotInfo;
import dev.gaur.units.Sizes;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;

/** The table of internal snapshots, in qemu-img's columns and the local time zone. */
final class SnapshotList {
    private static final int[] WIDTHS = {-9, -16, 8, 19, 12, 10};

    private SnapshotList() {}

    static void append(StringBuilder text, List<SnapshotInfo> snapshots) {
        row(text, "ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
        for (SnapshotInfo each : snapshots) {
            row(
                    text,
                    each.id(),
                    each.name(),
                    Sizes.human(each.vmStateBytes()),
                    date(each.taken()),
                    clock(each.vmClockNanos()),
                    each.icount().isPresent() ? Long.toString(each.icount().getAsLong()) : "");
        }
    }

    /** Cells that are too long push the others to the right; widths below 0 align to the left. */
    private static void row(StringBuilder text, String... cells) {
        for (int i = 0; i < cells.length; i++) {
            int padding = Math.abs(WIDTHS[i]) - width(cells[i]);
            if (i > 0) {
                text.append(' ');
            }
            if (WIDTHS[i] > 0) {
                spaces(text, padding);
            }
            text.append(cells[i]);
            if (WIDTHS[i] < 0) {
                spaces(text, padding);
            }
        }
        text.append('\n');
    }

    /** Printf counts bytes. */
    private static int width(String cell) {
        return cell.getBytes(StandardCharsets.UTF_8).length;
    }

    private static void spaces(StringBuilder text, int count) {
        for (int i = 0; i < count; i++) {
            text.append(' ');
        }
    }

    private static String date(Instant taken) {
        LocalDateTime local = LocalDateTime.ofInstant(taken, ZoneId.systemDefault());
        return local.toLocalDate()
                + " "
                + two(local.getHour())
                + ":"
                + two(local.getMinute())
                + ":"
                + two(local.getSecond());
    }

    private static String clock(long nanos) {
        long seconds = nanos / 1_000_000_000;
        String millis = Long.toString(1000 + nanos / 1_000_000 % 1000).substring(1);
        return two(seconds / 3600)
                + ":"
                + two(seconds / 60 % 60)
                + ":"
                + two(seconds % 60)
                + "."
                + millis;
    }

    private static String two(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }
}
