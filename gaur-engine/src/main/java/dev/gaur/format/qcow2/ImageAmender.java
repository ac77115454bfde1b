package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.Amendment;
import dev.gaur.format.Preallocation;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Changes version, width of counts, feature bits and size of an image. What needs version 3 comes
 * after going up, and going down comes last.
 *
 * <p>Source: the specification, "Header"; the order and what is refused are as in QEMU.
 */
final class ImageAmender {
    private static final String LEVEL =
            " compatibility level 1.1 %s above (use compat=1.1 or greater)";

    private WholeImage image;
    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final CompressedClusters compressed;
    private final LiveHeader header;

    ImageAmender(
            WholeImage image, StorageNode data, BlockNode backing, CompressedClusters compressed) {
        this.image = image;
        this.file = image.file();
        this.data = data;
        this.backing = backing;
        this.compressed = compressed;
        this.header = image.header();
    }

    void amend(Amendment changes) {
        int version = changes.version().orElse(header.get().version());
        checkFormat(changes, version);
        if (version == 3 && header.get().version() == 2) {
            upgrade();
        }
        if (changes.refcountBits().isPresent()) {
            setRefcountBits(changes.refcountBits().get());
        }
        setDataFile(changes);
        changes.lazyRefcounts().ifPresent(this::setLazy);
        changes.journal().ifPresent(this::setJournal);
        if (changes.size().isPresent()) {
            new ImageResizer(image, data, backing, compressed)
                    .resize(changes.size().get(), Preallocation.OFF);
            image = image.again();
        }
        if (version == 2 && header.get().version() == 3) {
            downgrade();
        }
    }

    private void checkFormat(Amendment changes, int version) {
        long bits = changes.refcountBits().orElse((long) image.geometry().refcountBits());
        boolean power = bits > 0 && bits <= Long.SIZE && Long.bitCount(bits) == 1;
        require(power, "Refcount width must be a power of two and may not exceed 64 bits");
        boolean hasDataFile = header.get().has(Header.DATA_FILE);
        require(
                changes.dataFile().isEmpty() || hasDataFile,
                "data-file can only be set for images that use an external data file");
        boolean raw = (header.get().autoclear() & Header.DATA_FILE_RAW) != 0;
        require(
                raw || !changes.dataFileRaw().orElse(false),
                "data-file-raw cannot be set on existing images");
        require(
                version >= 3 || changes.refcountBits().isEmpty() || bits == 16,
                "Refcount widths other than 16 bits require" + LEVEL.formatted("or"));
        require(
                version >= 3 || !changes.lazyRefcounts().orElse(false),
                "Lazy refcounts only supported with" + LEVEL.formatted("and"));
        require(
                version >= 3 || !changes.journal().orElse(false),
                "A journal is only supported with" + LEVEL.formatted("and"));
        if (changes.size().isPresent() && changes.size().get() % Geometry.SECTOR != 0) {
            throw new IllegalArgumentException("The new size must be a multiple of 512");
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    // ---- version

    private void upgrade() {
        SnapshotTable table = SnapshotTable.read(file, header.get());
        if (table.snapshots().stream().anyMatch(each -> each.extra().length < V3_EXTRA)) {
            rewriteSnapshots(table);
        }
        image.health().orFail(() -> header.rewrite(edit -> edit.version = 3));
    }

    /** Bytes of extra data that version 3 asks for. */
    private static final int V3_EXTRA = 16;

    private void rewriteSnapshots(SnapshotTable table) {
        byte[] bytes = SnapshotTable.encode(file.name(), table.snapshots());
        long old = header.get().snapshotsOffset();
        long[] place = {0};
        image.prepare(
                () -> {
                    place[0] = image.take(bytes.length);
                    file.write(place[0], MemorySegment.ofArray(bytes), Durability.CACHED);
                    image.commit();
                });
        image.change(
                () -> {
                    header.switchSnapshots(table.snapshots().size(), place[0]);
                    image.free(old, table.bytes());
                    image.finish();
                });
        image = image.again(); // What was freed may be taken.
    }

    private void downgrade() {
        Header now = header.get();
        refuseIf(now.has(Header.DATA_FILE), "Cannot downgrade an image with a data file");
        refuseIf(image.geometry().refcountBits() != 16, "compat=0.10 requires refcount_bits=16");
        long others = now.incompatible() & ~Header.DIRTY;
        refuseIf(
                others != 0,
                "Cannot downgrade an image with incompatible features 0x%x set".formatted(others));
        List<SnapshotTable.Snapshot> snapshots = SnapshotTable.read(file, now).snapshots();
        for (SnapshotTable.Snapshot each : snapshots) {
            refuseIf(
                    each.info().vmStateBytes() >>> Integer.SIZE != 0
                            || each.info().diskLength() != now.virtualSize(),
                    "Internal snapshots prevent downgrade of image");
        }
        var zeros = new ZeroExpansion(image, backing != ZeroNode.INSTANCE);
        zeros.expand("L1 table", image.activeL1());
        snapshots.forEach(each -> zeros.expand(each.l1Name(), image.l1Of(each)));
        image.health()
                .orFail(
                        () -> {
                            image.finish();
                            header.rewrite(
                                    edit -> {
                                        edit.version = 2;
                                        edit.incompatible = 0;
                                        edit.compatible = 0;
                                        edit.autoclear = 0;
                                        edit.setExtension(HeaderExtension.JOURNAL, new byte[0]);
                                    });
                        });
    }

    private void refuseIf(boolean condition, String text) {
        if (condition) {
            throw new BlockException.Unsupported(file.name(), "", text);
        }
    }

    // ---- all else

    private void setRefcountBits(long bits) {
        Header before = header.get();
        int order = Long.numberOfTrailingZeros(bits);
        if (before.refcountOrder() == order) {
            return;
        }
        long[] blocks = image.refcounts().blockOffsets();
        RefcountWidth.change(image, order);
        image = image.again();
        Geometry geometry = image.geometry();
        image.health()
                .orFail(
                        () -> {
                            for (long offset : blocks) {
                                if (offset != 0) {
                                    image.free(offset, geometry.clusterSize());
                                }
                            }
                            image.free(
                                    before.refcountTableOffset(),
                                    geometry.clusterOffset(before.refcountTableClusters()));
                            image.finish();
                            image.trim();
                        });
    }

    private void setDataFile(Amendment changes) {
        boolean notRaw = changes.dataFileRaw().isPresent() && !changes.dataFileRaw().get();
        if (notRaw) {
            image.health()
                    .orFail(() -> header.rewrite(edit -> edit.autoclear &= ~Header.DATA_FILE_RAW));
        }
        if (changes.dataFile().isPresent()) {
            byte[] name = changes.dataFile().get().getBytes(StandardCharsets.UTF_8);
            require(name.length > 0, "the name of the data file must not be empty");
            image.health()
                    .orFail(
                            () ->
                                    header.rewrite(
                                            edit ->
                                                    edit.setExtension(
                                                            HeaderExtension.DATA_FILE_NAME, name)));
        }
    }

    /** What is in the file has no journal at this moment. */
    private void setJournal(boolean on) {
        if (on != JournalPlace.isWanted(header.get())) {
            byte[] data = on ? JournalPlace.NONE.encode() : new byte[0];
            image.health()
                    .orFail(
                            () ->
                                    header.rewrite(
                                            edit ->
                                                    edit.setExtension(
                                                            HeaderExtension.JOURNAL, data)));
        }
    }

    private void setLazy(boolean lazy) {
        boolean now = (header.get().compatible() & Header.LAZY_REFCOUNTS) != 0;
        if (lazy != now) {
            image.health()
                    .orFail(() -> header.rewrite(edit -> edit.compatible ^= Header.LAZY_REFCOUNTS));
        }
    }
}
