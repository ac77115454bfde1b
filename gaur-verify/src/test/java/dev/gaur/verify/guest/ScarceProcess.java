package dev.gaur.verify.guest;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.storage.OpenPolicy;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;

/**
 * Changes an image while nearly all native memory that the JVM allows is taken. What fails for want
 * of it is tried again when there is some, and must succeed then.
 */
final class ScarceProcess {
    private static final int OPERATIONS = 30;
    private static final int CLUSTER = 64 << 10;
    private static final int LENGTH_MAX = 300_000;
    private static final int ENOMEM = 12;

    /** Bytes that are left: for nothing, for a table, for a chunk in which writes wait. */
    private static final long[] LEFT = {0, 0, 80_000, 1_100_000};

    private final DiskImage disk;
    private final BlockIo io;
    private final Snapshots snapshots;
    private final Bitmaps bitmaps;
    private final long limit;
    private final Random random;
    private final byte[] model;
    private final Deque<byte[]> saved = new ArrayDeque<>();
    private int names;
    private int failures;

    private ScarceProcess(DiskImage disk, long limit, long seed) {
        this.disk = disk;
        this.io = disk.io();
        this.snapshots = disk.snapshots().orElseThrow();
        this.bitmaps = disk.bitmaps().orElseThrow();
        this.limit = limit;
        this.random = new Random(seed);
        this.model = content();
    }

    /** Arguments: the image, the limit in bytes, the seed. */
    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true);
        long limit = Long.parseLong(args[1]);
        OpenOptions options =
                OpenOptions.DEFAULT.withWritable(true).withPolicy(OpenPolicy.followLocalFiles());
        try (DiskImage disk = Gaur.open(Path.of(args[0]), options)) {
            ScarceProcess process = new ScarceProcess(disk, limit, Long.parseLong(args[2]));
            for (int i = 0; i < OPERATIONS; i++) {
                process.operate();
            }
            out.println("ok " + process.failures);
        }
        out.println("closed");
    }

    private static long used() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .findFirst()
                .orElseThrow()
                .getTotalCapacity();
    }

    /** Takes nearly all for as long as what it returns is reachable. */
    private MemorySegment takeAllBut(long left) {
        try {
            Arena.ofAuto().allocate(limit, 1);
            throw new AssertionError("there is no limit");
        } catch (OutOfMemoryError _) {
            // Now the JVM has collected all that it can.
        }
        return Arena.ofAuto().allocate(Math.max(1, limit - used() - left), 1);
    }

    private byte[] content() {
        byte[] all = new byte[Math.toIntExact(io.length())];
        io.read(0, MemorySegment.ofArray(all));
        return all;
    }

    /** A change of the image; the model has it already. */
    private interface Change {
        void make();
    }

    private void operate() {
        int kind = random.nextInt(100);
        Change change = change(kind);
        List<String> before = names();
        boolean done = succeedsWithout(random.nextInt(LEFT.length), change, kind);
        if (!done) {
            failures++;
            if (!before.equals(names())) {
                throw new AssertionError("half done: " + before + " became " + names());
            }
            change.make();
        }
        if (!Arrays.equals(model, content())) {
            throw new AssertionError("other bytes after operation " + kind);
        }
    }

    private List<String> names() {
        List<String> all = new ArrayList<>();
        snapshots.list().forEach(each -> all.add(each.name()));
        bitmaps.list().forEach(each -> all.add(each.name()));
        return all;
    }

    private boolean succeedsWithout(int left, Change change, int kind) {
        MemorySegment hog = takeAllBut(LEFT[left]);
        try {
            return succeeds(change, kind);
        } finally {
            Reference.reachabilityFence(hog); // From here on it can be collected.
        }
    }

    private static boolean succeeds(Change change, int kind) {
        try {
            change.make();
            return true;
        } catch (OutOfMemoryError _) {
            return false;
        } catch (BlockException.Media failed) {
            if (failed.errno() != ENOMEM) {
                throw new AssertionError("operation " + kind, failed);
            }
            return false;
        }
    }

    private Change change(int kind) {
        if (kind < 30) {
            return write(1 + random.nextInt(CLUSTER / 2));
        } else if (kind < 40) {
            return write(1 + random.nextInt(LENGTH_MAX));
        } else if (kind < 50) {
            return zero();
        } else if (kind < 55) {
            return discard();
        } else if (kind < 65) {
            return disk::flush;
        } else if (kind < 80) {
            return snapshot();
        } else if (kind < 95) {
            return saved.isEmpty() ? snapshot() : random.nextBoolean() ? apply() : delete();
        }
        String name = "b" + names++;
        return () -> bitmaps.add(name, CLUSTER, true);
    }

    private Change write(int length) {
        int offset = random.nextInt(model.length - length);
        byte[] data = new byte[length];
        random.nextBytes(data);
        System.arraycopy(data, 0, model, offset, length);
        Durability how = random.nextInt(4) == 0 ? Durability.STABLE : Durability.CACHED;
        return () -> io.write(offset, MemorySegment.ofArray(data), how);
    }

    private Change zero() {
        int length = 1 + random.nextInt(LENGTH_MAX);
        int offset = random.nextInt(model.length - length);
        Arrays.fill(model, offset, offset + length, (byte) 0);
        ZeroMode how = random.nextBoolean() ? ZeroMode.UNMAP : ZeroMode.KEEP;
        return () -> io.zero(offset, length, how, Durability.CACHED);
    }

    private Change discard() {
        int offset = random.nextInt(model.length / CLUSTER) * CLUSTER;
        Arrays.fill(model, offset, offset + CLUSTER, (byte) 0);
        return () -> io.discard(offset, CLUSTER);
    }

    private Change snapshot() {
        String name = "s" + names++;
        saved.add(model.clone());
        SnapshotInfo wish =
                new SnapshotInfo("", name, Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        return () -> snapshots.create(wish);
    }

    private Change apply() {
        System.arraycopy(saved.getLast(), 0, model, 0, model.length);
        return () -> snapshots.apply(snapshots.list().getLast().name());
    }

    private Change delete() {
        saved.removeFirst();
        return () -> snapshots.delete(snapshots.list().getFirst().id());
    }
}
