package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.SnapshotInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The internal snapshots of an image.
 *
 * <p>Source: the specification, "Snapshots"; the limits are QEMU's.
 *
 * @param snapshots in the table's order
 * @param bytes length of the table in the file
 */
record SnapshotTable(List<Snapshot> snapshots, long bytes) {
    /** QEMU's limit for the whole table. */
    private static final long BYTES_MAX = 64L << 20;

    /** QEMU's limit for what a snapshot has beyond the known fields. */
    private static final long EXTRA_MAX = 1024;

    private static final long NO_ICOUNT = -1;

    /** Lengths of strings have 16 bits. */
    private static final int STRING_MAX = 0xFFFF;

    /**
     * One snapshot.
     *
     * @param info what users see
     * @param l1Offset where its L1 table lies; not checked
     * @param l1Entries length of its L1 table; not checked
     * @param extra the extra data as it lies in the file, known fields and unknown ones
     * @param id as it lies in the file, which need not be UTF-8
     * @param name likewise
     */
    record Snapshot(
            SnapshotInfo info,
            long l1Offset,
            long l1Entries,
            byte[] extra,
            byte[] id,
            byte[] name) {
        /** A new one, with the extra data that QEMU writes. */
        static Snapshot of(SnapshotInfo info, long l1Offset, long l1Entries) {
            byte[] id = info.id().getBytes(StandardCharsets.UTF_8);
            byte[] name = info.name().getBytes(StandardCharsets.UTF_8);
            return new Snapshot(info, l1Offset, l1Entries, new byte[0], id, name);
        }

        /** What messages call the L1 table. */
        String l1Name() {
            return "L1 table of snapshot " + info.id();
        }

        /**
         * Checks where the L1 table is said to be.
         *
         * @throws BlockException.Corrupt if it cannot be there, or is too large
         */
        void checkL1(String image, Geometry geometry) {
            if (l1Entries > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
                String found = "%d entries, larger than 32 MiB".formatted(l1Entries);
                throw new BlockException.Corrupt(image, l1Name(), l1Offset, found);
            }
            boolean overHeader = l1Offset == 0 && l1Entries > 0;
            if (overHeader || l1Offset < 0 || !geometry.isAligned(l1Offset)) {
                String found =
                        overHeader
                                ? "is where the header is"
                                : "is no multiple of the cluster size";
                throw new BlockException.Corrupt(image, l1Name(), l1Offset, found);
            }
        }

        /** Puts the entry as QEMU writes it; extra data beyond the known fields is kept. */
        private void put(ByteBuffer out) {
            long state = info.vmStateBytes();
            byte[] all = Arrays.copyOf(extra, Math.max(extra.length, KNOWN_EXTRA));
            ByteBuffer.wrap(all)
                    .putLong(state)
                    .putLong(info.diskLength())
                    .putLong(info.icount().orElse(NO_ICOUNT));
            out.putLong(l1Offset).putInt((int) l1Entries);
            out.putShort((short) id.length).putShort((short) name.length);
            out.putInt((int) info.taken().getEpochSecond()).putInt(info.taken().getNano());
            out.putLong(info.vmClockNanos());
            out.putInt(state >>> Integer.SIZE == 0 ? (int) state : 0);
            out.putInt(all.length).put(all).put(id).put(name);
            out.position((out.position() + 7) & -8);
        }

        private int bytes() {
            int all = Math.max(extra.length, KNOWN_EXTRA);
            return (HeaderCodec.SNAPSHOT_ENTRY_MIN + all + id.length + name.length + 7) & -8;
        }
    }

    /** VM state size, disk size, instruction count. */
    private static final int KNOWN_EXTRA = 24;

    /**
     * Makes the table's bytes.
     *
     * @param image the name for messages
     */
    static byte[] encode(String image, List<Snapshot> snapshots) {
        long size = 0;
        for (Snapshot each : snapshots) {
            if (each.id().length > STRING_MAX || each.name().length > STRING_MAX) {
                throw new BlockException.Unsupported(
                        image,
                        "snapshot table",
                        "a name has more than %d bytes".formatted(STRING_MAX));
            }
            size += each.bytes();
        }
        if (size > BYTES_MAX || snapshots.size() > HeaderCodec.SNAPSHOTS_MAX) {
            throw new BlockException.Media(
                    image,
                    "snapshot table",
                    BlockException.NO_OFFSET,
                    "there is no room for more snapshots",
                    EFBIG,
                    null);
        }
        ByteBuffer out = ByteBuffer.allocate((int) size);
        snapshots.forEach(each -> each.put(out));
        return out.array();
    }

    /** "File too large", as Linux numbers it. */
    private static final int EFBIG = 27;

    /**
     * Reads the table.
     *
     * @throws BlockException.Corrupt if an entry is over a limit or the file ends too early
     */
    static SnapshotTable read(StorageNode storage, Header header) {
        List<Snapshot> snapshots = new ArrayList<>();
        var in = new StreamReader(storage, "snapshot table", header.snapshotsOffset(), BYTES_MAX);
        for (int i = 0; i < header.snapshotCount(); i++) {
            snapshots.add(readEntry(storage, in, header, i));
        }
        return new SnapshotTable(List.copyOf(snapshots), in.position());
    }

    private static Snapshot readEntry(
            StorageNode storage, StreamReader in, Header header, int index) {
        long place = in.hostOffset();
        ByteBuffer entry = ByteBuffer.wrap(take(storage, in, HeaderCodec.SNAPSHOT_ENTRY_MIN));
        long extraBytes = Integer.toUnsignedLong(entry.getInt(36));
        if (extraBytes > EXTRA_MAX) {
            throw new BlockException.Corrupt(
                    storage.name(),
                    "snapshot table",
                    place + 36,
                    "entry %d has %d bytes of extra data, more than %d"
                            .formatted(index, extraBytes, EXTRA_MAX));
        }
        byte[] extraData = take(storage, in, (int) extraBytes);
        ByteBuffer extra = ByteBuffer.wrap(extraData);
        byte[] id = take(storage, in, Short.toUnsignedInt(entry.getShort(12)));
        byte[] name = take(storage, in, Short.toUnsignedInt(entry.getShort(14)));
        int padding = (int) -in.position() & 7;
        if (index < header.snapshotCount() - 1) {
            take(storage, in, padding);
        }
        SnapshotInfo info =
                new SnapshotInfo(
                        Header.text(id),
                        Header.text(name),
                        Instant.ofEpochSecond(
                                Integer.toUnsignedLong(entry.getInt(16)),
                                Integer.toUnsignedLong(entry.getInt(20))),
                        entry.getLong(24),
                        extraBytes >= 8
                                ? extra.getLong(0)
                                : Integer.toUnsignedLong(entry.getInt(32)),
                        extraBytes >= 16 ? extra.getLong(8) : header.virtualSize(),
                        extraBytes >= 24 && extra.getLong(16) != NO_ICOUNT
                                ? OptionalLong.of(extra.getLong(16))
                                : OptionalLong.empty());
        long l1Entries = Integer.toUnsignedLong(entry.getInt(8));
        return new Snapshot(info, entry.getLong(0), l1Entries, extraData, id, name);
    }

    private static byte[] take(StorageNode storage, StreamReader in, int count) {
        if (count > in.remaining()) {
            throw new BlockException.Corrupt(
                    storage.name(), "snapshot table", in.hostOffset(), "is larger than 64 MiB");
        }
        return in.take(count);
    }

    /** Finds a snapshot by its id, else by its name; the first one of several. */
    Optional<Snapshot> find(String idOrName) {
        return snapshots.stream()
                .filter(each -> each.info().id().equals(idOrName))
                .findFirst()
                .or(
                        () ->
                                snapshots.stream()
                                        .filter(each -> each.info().name().equals(idOrName))
                                        .findFirst());
    }

    /** Returns what users see of all snapshots. */
    List<SnapshotInfo> infos() {
        return snapshots.stream().map(Snapshot::info).toList();
    }
}
