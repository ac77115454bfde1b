package dev.gaur.format;

import java.util.EnumSet;
import java.util.Set;

/**
 * Which structures of an image a write is checked not to hit ({@code overlap-check}).
 *
 * @param structures immutable
 */
public record OverlapChecks(Set<Structure> structures) {
    /** What no write of something else may hit; in QEMU's order of names. */
    public enum Structure {
        /** The first cluster. */
        MAIN_HEADER("main-header"),
        /** The active L1 table. */
        ACTIVE_L1("active-l1"),
        /** The L2 tables of the active state. */
        ACTIVE_L2("active-l2"),
        /** The refcount table. */
        REFCOUNT_TABLE("refcount-table"),
        /** Refcount blocks. */
        REFCOUNT_BLOCK("refcount-block"),
        /** The table of snapshots. */
        SNAPSHOT_TABLE("snapshot-table"),
        /** The L1 tables of snapshots. */
        INACTIVE_L1("inactive-l1"),
        /** The L2 tables of snapshots, which are to be read for that. */
        INACTIVE_L2("inactive-l2"),
        /** The directory of dirty bitmaps. */
        BITMAP_DIRECTORY("bitmap-directory");

        private final String option;

        Structure(String option) {
            this.option = option;
        }

        /** Returns what QEMU's option for it ends with, such as {@code active-l1}. */
        public String option() {
            return option;
        }
    }

    /** No check. */
    public static final OverlapChecks NONE = new OverlapChecks(Set.of());

    /** What can be checked without a table: {@code overlap-check=constant}. */
    public static final OverlapChecks CONSTANT =
            new OverlapChecks(
                    Set.of(
                            Structure.MAIN_HEADER,
                            Structure.ACTIVE_L1,
                            Structure.REFCOUNT_TABLE,
                            Structure.SNAPSHOT_TABLE,
                            Structure.BITMAP_DIRECTORY));

    /** What can be checked with the tables in memory, the default: {@code overlap-check=cached}. */
    public static final OverlapChecks CACHED =
            new OverlapChecks(EnumSet.complementOf(EnumSet.of(Structure.INACTIVE_L2)));

    /** Everything: {@code overlap-check=all}. */
    public static final OverlapChecks ALL = new OverlapChecks(EnumSet.allOf(Structure.class));

    /** Keeps a copy. */
    public OverlapChecks {
        structures = Set.copyOf(structures);
    }
}
