package dev.gaur.format.qcow2;

import java.util.ArrayList;
import java.util.List;

/** A header that is being changed. Fields as in {@link Header}; not for several threads. */
final class HeaderEdit {
    private final Header from;
    int version;
    long size;
    int l1Entries;
    long l1TableOffset;
    long refcountTableOffset;
    int refcountTableClusters;
    int snapshotCount;
    long snapshotsOffset;
    long incompatible;
    long compatible;
    long autoclear;
    int refcountOrder;
    List<HeaderExtension> extensions;
    String backingName;

    HeaderEdit(Header from) {
        this.from = from;
        version = from.version();
        size = from.size();
        l1Entries = from.l1Entries();
        l1TableOffset = from.l1TableOffset();
        refcountTableOffset = from.refcountTableOffset();
        refcountTableClusters = from.refcountTableClusters();
        snapshotCount = from.snapshotCount();
        snapshotsOffset = from.snapshotsOffset();
        incompatible = from.incompatible();
        compatible = from.compatible();
        autoclear = from.autoclear();
        refcountOrder = from.refcountOrder();
        extensions = from.extensions();
        backingName = from.backingName();
    }

    /** Puts an extension in the place of all of its type; empty data drops it. */
    void setExtension(int type, byte[] data) {
        List<HeaderExtension> changed = new ArrayList<>(extensions);
        changed.removeIf(each -> each.type() == type);
        if (data.length > 0) {
            changed.add(new HeaderExtension(type, data));
        }
        extensions = List.copyOf(changed);
    }

    Header header() {
        return new Header(
                version,
                from.clusterBits(),
                size,
                from.cryptMethod(),
                l1Entries,
                l1TableOffset,
                refcountTableOffset,
                refcountTableClusters,
                snapshotCount,
                snapshotsOffset,
                incompatible,
                compatible,
                autoclear,
                refcountOrder,
                version == 2 ? Header.V2_LENGTH : Math.max(from.headerLength(), Header.V3_LENGTH),
                from.compressionType(),
                from.unknownFields(),
                extensions,
                backingName);
    }
}
