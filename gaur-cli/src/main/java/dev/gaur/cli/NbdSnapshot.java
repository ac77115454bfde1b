package dev.gaur.cli;

import dev.gaur.format.SnapshotInfo;
import java.util.List;

/**
 * The argument of {@code --load-snapshot}.
 *
 * @param id the id that is asked for, empty for any
 * @param name the name that is asked for, empty for any
 * @param either id or name, if neither is asked for
 */
record NbdSnapshot(String id, String name, String either) {
    private static final String PREFIX = "snapshot.";

    /** Reads the argument. */
    static NbdSnapshot of(Invocation call, String text) {
        if (!text.startsWith(PREFIX)) {
            return new NbdSnapshot("", "", text);
        }
        String id = "";
        String name = "";
        for (String part : text.split("(?<!,),(?!,)", -1)) {
            int equals = part.indexOf('=');
            String key = equals < 0 ? part : part.substring(0, equals);
            String value = equals < 0 ? "on" : part.substring(equals + 1).replace(",,", ",");
            switch (key) {
                case "snapshot.id" -> id = value;
                case "snapshot.name" -> name = value;
                default -> {
                    call.error("Invalid parameter '" + key + "'");
                    throw new CommandException("Failed in parsing snapshot param `" + text + "'");
                }
            }
        }
        return new NbdSnapshot(id, name, "");
    }

    /**
     * Returns the id of the snapshot that is meant.
     *
     * @throws CommandException in qemu-nbd's words, if there is none
     */
    String find(List<SnapshotInfo> snapshots) {
        for (SnapshotInfo snapshot : snapshots) {
            if (either.isEmpty() ? isMeant(snapshot) : snapshot.id().equals(either)) {
                return snapshot.id();
            }
        }
        for (SnapshotInfo snapshot : snapshots) {
            if (!either.isEmpty() && snapshot.name().equals(either)) {
                return snapshot.id();
            }
        }
        throw new CommandException("Failed to load snapshot: Can't find snapshot");
    }

    private boolean isMeant(SnapshotInfo snapshot) {
        return !(id.isEmpty() && name.isEmpty())
                && (id.isEmpty() || snapshot.id().equals(id))
                && (name.isEmpty() || snapshot.name().equals(name));
    }
}
