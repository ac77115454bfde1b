package dev.gaur.format;

import java.time.Instant;
import java.util.OptionalLong;

/**
 * An internal snapshot.
 *
 * @param id unique id, a decimal number in images of QEMU
 * @param name the user's name for it; need not be unique
 * @param taken when, to the nanosecond
 * @param vmClockNanos guest run time in nanoseconds
 * @param vmStateBytes size of the saved VM state in bytes
 * @param diskLength virtual size at the time in bytes
 * @param icount instruction count of a recorded run, if stored
 */
public record SnapshotInfo(
        String id,
        String name,
        Instant taken,
        long vmClockNanos,
        long vmStateBytes,
        long diskLength,
        OptionalLong icount) {}
