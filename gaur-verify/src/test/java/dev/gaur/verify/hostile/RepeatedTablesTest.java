package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.HeaderField;
import dev.gaur.verify.zoo.Specimen;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * L1 tables that name a few L2 tables so often that the check looks at each once for many times:
 * all its counters are those of QEMU, which looks at each every time.
 */
class RepeatedTablesTest {
    private static final int BITS = 12;
    private static final int CLUSTER = 1 << BITS;

    /** More than fit in the allowance of 64 MiB, and than 16 bits can count. */
    private static final int TIMES = 70_000;

    private static final long ZERO = 1;

    /** Two tables with an entry of each kind, sound and not, named in turns. */
    private static Specimen image(int l1Entries) {
        Specimen image = Crafted.empty(BITS, (long) l1Entries * (CLUSTER / 8) * CLUSTER, l1Entries);
        long first = Crafted.append(image, 1);
        long second = Crafted.append(image, 1);
        long data = Crafted.append(image, 8);
        long[] entries = {
            data | Crafted.COPIED,
            data + CLUSTER | Crafted.COPIED,
            data + 4 * CLUSTER,
            Crafted.COMPRESSED | data + 5 * CLUSTER + 100,
            data + 6 * CLUSTER | ZERO,
            data + 2 * CLUSTER | 4,
            data + 512,
            1L << 40,
            ZERO,
            Crafted.COMPRESSED | Crafted.COPIED | data + 5 * CLUSTER
        };
        for (int i = 0; i < entries.length; i++) {
            image.putU64(first + 8L * i, entries[i]);
        }
        image.putU64(second + 80, data + 7 * CLUSTER | Crafted.COPIED);
        for (int i = 0; i < l1Entries; i++) {
            image.putU64(image.l1EntryAt(i), i % 8 == 0 ? first : second | Crafted.COPIED);
        }
        return image;
    }

    private static void checksLikeQemu(Specimen image) {
        Path path = Patient.of(image).path();
        Peers.Result qemu = Peers.qemuImg("check", "-f", "qcow2", "--output=json", path);
        Peers.Result gaur = Cli.asQemuImg("check", "-f", "qcow2", "--output=json", path);
        assertEquals(qemu.out(), gaur.out());
        assertEquals(qemu.status(), gaur.status());
        assertTrue(qemu.out().contains("corruptions"), qemu.out());
    }

    @Test
    void tablesOfTheActiveState() {
        checksLikeQemu(image(TIMES));
    }

    @Test
    void adviceLooksAtAPart() {
        Path path = Patient.of(image(TIMES)).path();
        String advice = Cli.gaur("info", "--advice", "--output=json", path).ok().out();
        assertTrue(advice.contains("\"exact\": false"), advice);
        assertTrue(advice.contains("illegal entries"), advice);
    }

    @Test
    void tablesOfSnapshots() {
        int snapshots = 20;
        Specimen image = image(TIMES / snapshots);
        long table = Crafted.append(image, 1);
        for (int i = 0; i < snapshots; i++) {
            long at = table + i * 64L;
            image.putU64(at, image.get(HeaderField.L1_OFFSET));
            image.putU32(at + 8, TIMES / snapshots);
            image.putU16(at + 12, 2).putU16(at + 14, 2).putU32(at + 36, 16);
            image.putU64(at + 48, image.get(HeaderField.SIZE));
            image.putU16(at + 56, 0x3030 + i).putU16(at + 58, 0x6161);
        }
        image.put(HeaderField.SNAPSHOT_COUNT, snapshots).put(HeaderField.SNAPSHOTS_OFFSET, table);
        checksLikeQemu(image);
    }

    @Test
    void narrowCounts() {
        checksLikeQemu(image(TIMES).put(HeaderField.REFCOUNT_ORDER, 0));
    }

    @Test
    void wideCounts() {
        checksLikeQemu(image(TIMES).put(HeaderField.REFCOUNT_ORDER, 6));
    }
}
