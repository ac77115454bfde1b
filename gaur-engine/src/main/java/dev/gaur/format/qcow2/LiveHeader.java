package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The header of an image open for writing, in memory and in the file. The switches from one table
 * to another change bytes of one sector only, so a crash leaves the old or the new state.
 *
 * <p>Q6: all that the header will point to must be stable before any of these is called; when they
 * return, the header is. Safe for many threads; its monitor is held during a change.
 *
 * <p>Source: the specification, "Header".
 */
final class LiveHeader {
    private static final int SIZE_AT = 24;
    private static final int L1_AT = 36;
    private static final int REFCOUNT_TABLE_AT = 48;
    private static final int SNAPSHOTS_AT = 60;
    private static final int INCOMPATIBLE_AT = 72;
    private static final int AUTOCLEAR_AT = 88;
    private static final int SWITCH_BYTES = 12;
    private static final int SECTOR = Geometry.SECTOR;

    private final StorageNode file;
    private volatile Header header;

    /** The size of the disk while memory says another one; else negative. */
    private long sizeInFile = -1; // guarded by this

    LiveHeader(StorageNode file, Header header) {
        this.file = file;
        this.header = header;
    }

    Header get() {
        return header;
    }

    /** Takes what somebody else wrote to the file. */
    synchronized void reload(Header written) {
        sizeInFile = -1;
        header = written;
    }

    /** Says where the active L1 table is from now on. */
    synchronized void switchL1(int entries, long offset) {
        put(L1_AT, ByteBuffer.allocate(SWITCH_BYTES).putInt(entries).putLong(offset));
        change(
                edit -> {
                    edit.l1Entries = entries;
                    edit.l1TableOffset = offset;
                });
    }

    /** Changes the virtual size and the active L1 table, both at once. */
    synchronized void switchDisk(long size, int entries, long offset) {
        ByteBuffer bytes = ByteBuffer.allocate(L1_AT + SWITCH_BYTES - SIZE_AT);
        bytes.putLong(size).putInt(header.cryptMethod()).putInt(entries).putLong(offset);
        put(SIZE_AT, bytes);
        sizeInFile = -1;
        change(
                edit -> {
                    edit.size = size;
                    edit.l1Entries = entries;
                    edit.l1TableOffset = offset;
                });
    }

    /** Says where the refcount table is from now on. */
    synchronized void switchRefcountTable(long offset, int clusters) {
        put(REFCOUNT_TABLE_AT, ByteBuffer.allocate(SWITCH_BYTES).putLong(offset).putInt(clusters));
        change(
                edit -> {
                    edit.refcountTableOffset = offset;
                    edit.refcountTableClusters = clusters;
                });
    }

    /** Says where the snapshot table is from now on. */
    synchronized void switchSnapshots(int count, long offset) {
        put(SNAPSHOTS_AT, ByteBuffer.allocate(SWITCH_BYTES).putInt(count).putLong(offset));
        change(
                edit -> {
                    edit.snapshotCount = count;
                    edit.snapshotsOffset = offset;
                });
    }

    /** Sets the size of the disk for who asks here; in the file it stays, whatever is stored. */
    synchronized void setSizeInMemory(long size) {
        sizeInFile = storedSize();
        change(edit -> edit.size = size);
    }

    private long storedSize() {
        return sizeInFile < 0 ? header.virtualSize() : sizeInFile;
    }

    /** What is in the file, to be changed. */
    private HeaderEdit editFile() {
        HeaderEdit edit = new HeaderEdit(header);
        edit.size = storedSize();
        return edit;
    }

    /** Stores the virtual size in bytes. */
    synchronized void setSize(long size) {
        put(SIZE_AT, ByteBuffer.allocate(Long.BYTES).putLong(size));
        sizeInFile = -1;
        change(edit -> edit.size = size);
    }

    /**
     * Sets or clears incompatible feature bits; version 2 has none, there it is only remembered.
     * Where that begins or ends the image being dirty no journal counts any more, all at once: it
     * was about other counts, and whoever finds the image dirty must not believe it.
     */
    synchronized void setIncompatible(long bits, boolean on) {
        long old = header.incompatible();
        long now = on ? old | bits : old & ~bits;
        if (now == old) {
            return;
        }
        boolean stale = ((now ^ old) & Header.DIRTY) != 0;
        long autoclear = header.autoclear() & (stale ? ~Header.JOURNAL_VALID : -1);
        if (header.version() >= 3) {
            ByteBuffer fields = ByteBuffer.allocate(AUTOCLEAR_AT + Long.BYTES - INCOMPATIBLE_AT);
            put(
                    INCOMPATIBLE_AT,
                    fields.putLong(now).putLong(header.compatible()).putLong(autoclear));
        }
        change(
                edit -> {
                    edit.incompatible = now;
                    edit.autoclear = autoclear;
                });
    }

    /** Stores the autoclear feature bits, which version 2 has not. */
    synchronized void setAutoclear(long bits) {
        if (header.autoclear() != bits) {
            put(AUTOCLEAR_AT, ByteBuffer.allocate(Long.BYTES).putLong(bits));
            change(edit -> edit.autoclear = bits);
        }
    }

    /**
     * Stores the bitmaps extension, none if it is empty, and whether it counts. A crash leaves the
     * old one, the new one, or one that does not count.
     */
    synchronized void switchBitmaps(byte[] extension) {
        long without = header.autoclear() & ~Header.BITMAPS_VALID;
        long then = extension.length == 0 ? without : without | Header.BITMAPS_VALID;
        HeaderEdit edit = editFile();
        edit.setExtension(HeaderExtension.BITMAPS, extension);
        edit.autoclear = then;
        Optional<List<byte[]>> steps = HeaderSteps.of(file.name(), firstCluster(), edit.header());
        if (steps.isPresent()) {
            store(steps.get());
            return;
        }
        setAutoclear(without);
        rewrite(each -> each.setExtension(HeaderExtension.BITMAPS, extension));
        setAutoclear(then);
    }

    /**
     * Throws if the first cluster has no room for an extension.
     *
     * @param bytes length of its data
     */
    void checkFits(int type, int bytes) {
        HeaderEdit edit = new HeaderEdit(header);
        edit.setExtension(type, new byte[bytes]);
        HeaderCodec.encode(file.name(), edit.header());
    }

    /**
     * Names another backing file. A crash leaves the old or the new name, unless both headers have
     * more behind the first sector than names of features and of a file, and a format of the
     * backing file there.
     *
     * @param name empty for none
     * @throws BlockException.Unsupported if it does not fit, or the image can have none
     */
    synchronized void setBacking(String name, String format) {
        HeaderEdit edit = editFile();
        putBacking(edit, name, format);
        Header changed = edit.header();
        HeaderCodec.encode(file.name(), changed); // It fits.
        byte[] old = firstCluster();
        Optional<byte[]> beside = BackingEdit.of(old, header, name, format);
        store(beside.map(List::of).orElseGet(() -> steps(old, changed)));
    }

    /** Throws what {@link #setBacking} would, before anything is written. */
    synchronized void checkBacking(String name, String format) {
        HeaderEdit edit = new HeaderEdit(header);
        putBacking(edit, name, format);
        HeaderCodec.encode(file.name(), edit.header());
    }

    private void putBacking(HeaderEdit edit, String name, String format) {
        boolean tooLong =
                name.getBytes(StandardCharsets.UTF_8).length > HeaderCodec.BACKING_NAME_MAX;
        boolean standsAlone = (edit.autoclear & Header.DATA_FILE_RAW) != 0;
        if (tooLong || (standsAlone && !name.isEmpty())) {
            throw noBacking("Invalid argument");
        }
        edit.backingName = name;
        byte[] bytes = name.isEmpty() ? new byte[0] : format.getBytes(StandardCharsets.UTF_8);
        edit.setExtension(HeaderExtension.BACKING_FORMAT, bytes);
        edit.autoclear &= Header.KNOWN_AUTOCLEAR;
    }

    private BlockException.Unsupported noBacking(String why) {
        return new BlockException.Unsupported(file.name(), "backing file", why);
    }

    /**
     * Changes anything else. A crash leaves the old header or the new one, unless both have more
     * behind the first sector than names of features and of a file.
     */
    synchronized void rewrite(Consumer<HeaderEdit> change) {
        HeaderEdit edit = editFile();
        change.accept(edit);
        store(steps(firstCluster(), edit.header()));
    }

    /** Says where the journal is, and that without it counts may be stale; all at once. */
    synchronized void openJournal(JournalPlace place) {
        rewrite(
                edit -> {
                    edit.setExtension(HeaderExtension.JOURNAL, place.encode());
                    edit.autoclear |= Header.JOURNAL_VALID;
                    edit.incompatible |= Header.DIRTY;
                });
    }

    /** Says that there is no journal now and that counts are true; all at once. */
    synchronized void closeJournal(JournalPlace place) {
        rewrite(
                edit -> {
                    edit.setExtension(HeaderExtension.JOURNAL, place.closed().encode());
                    edit.autoclear &= ~Header.JOURNAL_VALID;
                    edit.incompatible &= ~Header.DIRTY;
                });
    }

    /** Says whether the journal counts. */
    synchronized void setJournalValid(boolean valid) {
        long others = header.autoclear() & ~Header.JOURNAL_VALID;
        setAutoclear(valid ? others | Header.JOURNAL_VALID : others);
    }

    private List<byte[]> steps(byte[] old, Header changed) {
        return HeaderSteps.of(file.name(), old, changed)
                .orElseGet(() -> List.of(HeaderCodec.encode(file.name(), changed)));
    }

    private byte[] firstCluster() {
        byte[] bytes = new byte[1 << header.clusterBits()];
        file.read(0, bytes, 0, (int) Math.min(bytes.length, file.length()));
        return bytes;
    }

    /** Stores first clusters one after the other; of each the first sector last. */
    private void store(List<byte[]> steps) {
        byte[] before = firstCluster();
        Header changed = HeaderCodec.parse(file.name(), steps.getLast());
        for (byte[] step : steps) {
            for (int at = before.length - SECTOR; at >= 0; at -= SECTOR) {
                if (!Arrays.equals(before, at, at + SECTOR, step, at, at + SECTOR)) {
                    MemorySegment sector = MemorySegment.ofArray(step).asSlice(at, SECTOR);
                    file.write(at, sector, Durability.STABLE);
                }
            }
            before = step;
        }
        long size = header.virtualSize();
        header = changed;
        if (sizeInFile >= 0) {
            change(edit -> edit.size = size);
        }
    }

    private void put(int at, ByteBuffer bytes) {
        file.write(at, MemorySegment.ofArray(bytes.array()), Durability.STABLE);
    }

    private void change(Consumer<HeaderEdit> change) {
        HeaderEdit edit = new HeaderEdit(header);
        change.accept(edit);
        header = edit.header();
    }
}
