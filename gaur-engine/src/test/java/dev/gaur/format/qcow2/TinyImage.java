package dev.gaur.format.qcow2;

import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.storage.memory.MemoryStorage;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A sound version 3 image of seven clusters of 4 KiB, for tests that break it: header, refcount
 * table, refcount block, L1 table, L2 table, and two clusters of data at the start of the disk.
 */
final class TinyImage {
    static final int CLUSTER = 4096;
    static final int TABLE = CLUSTER;
    static final int BLOCK = 2 * CLUSTER;
    static final int L1 = 3 * CLUSTER;
    static final int L2 = 4 * CLUSTER;
    static final int DATA = 5 * CLUSTER;

    private static final int CLUSTERS = 7;
    private static final int DISK_CLUSTERS = 10;

    private ByteBuffer bytes = ByteBuffer.allocate(CLUSTERS * CLUSTER);

    TinyImage() {
        bytes.putInt(0, Header.MAGIC).putInt(4, 3).putInt(20, 12);
        bytes.putLong(24, (long) DISK_CLUSTERS * CLUSTER);
        bytes.putInt(36, 1).putLong(40, L1).putLong(48, TABLE).putInt(56, 1);
        bytes.putInt(96, 4).putInt(100, Header.V3_LENGTH);
        bytes.putLong(TABLE, BLOCK);
        for (int i = 0; i < CLUSTERS; i++) {
            count(i, 1);
        }
        bytes.putLong(L1, L2 | L2Entry.COPIED);
        entry(0, DATA | L2Entry.COPIED);
        entry(1, DATA + CLUSTER | L2Entry.COPIED);
    }

    /** Stores the count of a cluster. */
    TinyImage count(int cluster, int count) {
        bytes.putShort(BLOCK + 2 * cluster, (short) count);
        return this;
    }

    /** Stores an entry of the L2 table. */
    TinyImage entry(int index, long entry) {
        return put(L2 + 8 * index, entry);
    }

    /** Stores a 64-bit number anywhere. */
    TinyImage put(int offset, long value) {
        bytes.putLong(offset, value);
        return this;
    }

    /** Stores a 32-bit number anywhere. */
    TinyImage put32(int offset, int value) {
        bytes.putInt(offset, value);
        return this;
    }

    /** Stores bytes anywhere. */
    TinyImage putBytes(int offset, byte[] value) {
        bytes.put(offset, value);
        return this;
    }

    /** Adds zeros to the file, or cuts it. */
    TinyImage resize(int length) {
        bytes = ByteBuffer.wrap(Arrays.copyOf(bytes.array(), length));
        return this;
    }

    /** Adds a cluster of zeros, counted once, and returns its offset. */
    int addCluster() {
        int offset = bytes.capacity();
        resize(offset + CLUSTER);
        count(offset / CLUSTER, 1);
        return offset;
    }

    byte[] toBytes() {
        return bytes.array().clone();
    }

    MemoryStorage storage() {
        return new MemoryStorage("tiny", toBytes());
    }

    /** What a check says. */
    record Outcome(CheckReport report, List<CheckFinding> findings) {
        List<String> lines() {
            return findings.stream().flatMap(each -> each.text().lines()).toList();
        }
    }

    /** Checks the image; counters must be the numbers of findings. */
    Outcome check() {
        try (MemoryStorage storage = storage()) {
            List<CheckFinding> findings = new CopyOnWriteArrayList<>();
            CheckListener listener =
                    new CheckListener() {
                        @Override
                        public void found(CheckFinding finding) {
                            findings.add(finding);
                        }
                    };
            Header header = HeaderCodec.readForCheck(storage);
            return new Outcome(new ConsistencyCheck(storage, header).check(listener), findings);
        }
    }
}
