package dev.gaur.cli;

import dev.gaur.block.Limits;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.LuksInfo;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.json.JsonWriter;
import dev.gaur.json.TreeWriter;
import dev.gaur.storage.Reference;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.units.Sizes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an image says of itself, in the texts of {@code qemu-img info}. */
final class ImageText {
    /** Longest vector of one request, Linux's IOV_MAX. */
    private static final int IOV_MAX = 1024;

    private static final int PAGE = 4096;
    private static final long NANOS = 1_000_000_000;

    /** Drivers that {@code info} names in place of a format. */
    private static final List<String> STORAGE = List.of("file", "nbd");

    private final ImageInfo info;
    private final @Nullable Limits limits;
    private final String format;

    /**
     * @param limits shown too, if any are given
     */
    ImageText(ImageInfo info, @Nullable Limits limits) {
        this(info, limits, info.format());
    }

    private ImageText(ImageInfo info, @Nullable Limits limits, String format) {
        this.info = info;
        this.limits = limits;
        this.format = format;
    }

    /** Storage without a format is called by its driver, if the user has named that. */
    ImageText withDriver(String driver) {
        return STORAGE.contains(driver) ? new ImageText(info, limits, driver) : this;
    }

    /** Whether it is a part of an NBD server's disk, of which QEMU knows nothing more. */
    private boolean isBareNbd() {
        return info.details() instanceof ImageInfo.Raw && NbdAddress.isAddress(info.name());
    }

    /** Returns the path of the backing file as QEMU would open it, empty if there is none. */
    String backingPath() {
        return info.backing().isEmpty() ? "" : path(info, info.backing().get());
    }

    /** Returns the path of the file that has the image's data. */
    static String dataPath(ImageInfo info) {
        return info.dataFile().isEmpty() ? info.name() : path(info, info.dataFile().get());
    }

    /** What is relative is so to the image's folder; a name with a protocol is not. */
    private static String path(ImageInfo info, Reference reference) {
        String name = reference.name();
        int colon = name.indexOf(':');
        int slash = name.indexOf('/');
        boolean protocol = colon >= 0 && (slash < 0 || colon < slash);
        if (protocol || slash == 0) {
            return name;
        }
        return info.name().substring(0, info.name().lastIndexOf('/') + 1) + name;
    }

    /** Returns the format that the image states for its backing file, empty if none. */
    String backingFormat() {
        return info.backing().isEmpty() ? "" : info.backing().get().format();
    }

    /** Writes QEMU's {@code BlockNodeInfo}; the keys stand in the order of QEMU's hash table. */
    void json(JsonWriter json) {
        json.beginObject();
        if (!info.snapshots().isEmpty()) {
            json.key("snapshots").beginArray();
            for (SnapshotInfo snapshot : info.snapshots()) {
                json(json, snapshot);
            }
            json.endArray();
        }
        Reference backing = info.backing().orElse(null);
        if (backing != null && !backing.format().isEmpty()) {
            json.entry("backing-filename-format", backing.format());
        }
        json.entry("virtual-size", info.virtualSize()).entry("filename", info.name());
        if (info.clusterSize() != 0) {
            json.entry("cluster-size", info.clusterSize());
        }
        json.entry("format", format);
        if (info.allocatedBytes() >= 0) {
            json.entry("actual-size", info.allocatedBytes());
        }
        if (info.details() instanceof ImageInfo.Qcow2 qcow2) {
            json.key("format-specific").beginObject().entry("type", "qcow2").key("data");
            describe(json, qcow2);
            json.endObject();
        }
        if (limits != null) {
            json.key("limits");
            describe(json, limits);
        }
        if (backing != null) {
            json.entry("full-backing-filename", backingPath());
        }
        if (info.encrypted()) {
            json.entry("encrypted", true);
        }
        if (backing != null) {
            json.entry("backing-filename", backing.name());
        }
        if (!isBareNbd()) {
            json.entry("dirty-flag", info.dirty());
        }
        json.endObject();
    }

    /** Writes the object for a snapshot. */
    static void json(JsonWriter json, SnapshotInfo snapshot) {
        json.beginObject();
        if (snapshot.icount().isPresent()) {
            json.entry("icount", snapshot.icount().getAsLong());
        }
        json.entry("vm-clock-nsec", snapshot.vmClockNanos() % NANOS);
        json.entry("name", snapshot.name());
        json.entry("date-sec", snapshot.taken().getEpochSecond());
        json.entry("date-nsec", snapshot.taken().getNano());
        json.entry("vm-clock-sec", snapshot.vmClockNanos() / NANOS);
        json.entry("id", snapshot.id());
        json.entry("vm-state-size", snapshot.vmStateBytes()).endObject();
    }

    private static String diskSize(long allocatedBytes) {
        return allocatedBytes < 0 ? "unavailable" : Sizes.human(allocatedBytes);
    }

    /** Writes the lines for people. */
    void human(StringBuilder text) {
        text.append("image: ").append(info.name());
        text.append("\nfile format: ").append(format);
        text.append("\nvirtual size: ").append(Sizes.human(info.virtualSize()));
        text.append(" (").append(info.virtualSize()).append(" bytes)");
        text.append("\ndisk size: ").append(diskSize(info.allocatedBytes()));
        if (info.encrypted()) {
            text.append("\nencrypted: yes");
        }
        if (info.clusterSize() != 0) {
            text.append("\ncluster_size: ").append(info.clusterSize());
        }
        if (info.dirty()) {
            text.append("\ncleanly shut down: no");
        }
        if (info.backing().isPresent()) {
            humanBacking(text, info.backing().get());
        }
        text.append('\n');
        if (limits != null) {
            text.append("Block limits:\n");
            describe(new PlainTree(text, 1), limits);
        }
        if (!info.snapshots().isEmpty()) {
            text.append("Snapshot list:\n");
            SnapshotList.append(text, info.snapshots());
        }
        humanDetails(text);
    }

    /** Writes the lines that are about the format. */
    void humanDetails(StringBuilder text) {
        if (info.details() instanceof ImageInfo.Qcow2 qcow2) {
            text.append("Format specific information:\n");
            describe(new PlainTree(text, 1), qcow2);
        }
    }

    private void humanBacking(StringBuilder text, Reference backing) {
        text.append("\nbacking file: ").append(backing.name());
        if (!backingPath().equals(backing.name())) {
            text.append(" (actual path: ").append(backingPath()).append(')');
        }
        if (!backing.format().isEmpty()) {
            text.append("\nbacking file format: ").append(backing.format());
        }
    }

    private void describe(TreeWriter tree, ImageInfo.Qcow2 qcow2) {
        boolean v3 = qcow2.version() >= 3;
        tree.beginObject().entry("compat", v3 ? "1.1" : "0.10");
        tree.entry("compression-type", qcow2.compression());
        if (v3) {
            tree.entry("lazy-refcounts", qcow2.lazyRefcounts());
        }
        if (qcow2.journal()) { // QEMU's images have none.
            tree.entry("journal", true);
        }
        if (!info.bitmaps().isEmpty()) {
            describe(tree, info.bitmaps());
        }
        tree.entry("refcount-bits", qcow2.refcountBits());
        if (info.dataFile().isPresent()) {
            tree.entry("data-file", info.dataFile().get().name());
        }
        if (!qcow2.encryption().isEmpty()) {
            tree.key("encrypt");
            describe(tree, qcow2.encryption(), qcow2.luks().orElse(null));
        }
        if (info.dataFile().isPresent()) {
            tree.entry("data-file-raw", qcow2.dataFileRaw());
        }
        if (v3) {
            tree.entry("corrupt", qcow2.corrupt()).entry("extended-l2", qcow2.extendedL2());
        }
        tree.endObject();
    }

    private static void describe(TreeWriter tree, String format, @Nullable LuksInfo luks) {
        tree.beginObject();
        if (luks == null) {
            tree.entry("format", format).endObject();
            return;
        }
        tree.entry("ivgen-alg", luks.ivGenerator()).entry("hash-alg", luks.hash());
        tree.entry("cipher-alg", luks.cipher()).entry("uuid", luks.uuid());
        if (!luks.ivHash().isEmpty()) {
            tree.entry("ivgen-hash-alg", luks.ivHash());
        }
        tree.entry("format", format).entry("cipher-mode", luks.cipherMode());
        tree.key("slots").beginArray();
        for (LuksInfo.Slot slot : luks.slots()) {
            tree.beginObject().entry("active", slot.active());
            if (slot.active()) {
                tree.entry("iters", slot.iterations());
            }
            tree.entry("key-offset", slot.keyOffset());
            if (slot.active()) {
                tree.entry("stripes", slot.stripes());
            }
            tree.endObject();
        }
        tree.endArray().entry("payload-offset", luks.payloadOffset());
        tree.entry("master-key-iters", luks.masterKeyIterations()).endObject();
    }

    private static void describe(TreeWriter tree, List<BitmapInfo> bitmaps) {
        tree.key("bitmaps").beginArray();
        for (BitmapInfo bitmap : bitmaps) {
            tree.beginObject().key("flags").beginArray();
            if (bitmap.inUse()) {
                tree.value("in-use");
            }
            if (bitmap.auto()) {
                tree.value("auto");
            }
            tree.endArray().entry("name", bitmap.name());
            tree.entry("granularity", bitmap.granularity()).endObject();
        }
        tree.endArray();
    }

    private static void describe(TreeWriter tree, Limits limits) {
        tree.beginObject().entry("request-alignment", limits.requestAlignment());
        tree.entry("min-mem-alignment", limits.memoryAlignment());
        tree.entry("opt-mem-alignment", Math.max(limits.memoryAlignment(), PAGE));
        tree.entry("max-iov", IOV_MAX).endObject();
    }
}
