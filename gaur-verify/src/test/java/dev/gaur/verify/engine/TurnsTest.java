package dev.gaur.verify.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.PausingStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.verify.zoo.ImageZoo;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One request stops in the middle of its I/O, and another one comes: each cluster is as if one had
 * come after the other, and nobody reads or hits what a freed cluster has become.
 */
class TurnsTest {
    /** What the two clusters were before. */
    private enum State {
        BELOW,
        DATA,
        ZERO,
        COMPRESSED,
        SHARED
    }

    /** What a request does to them; {@code c} is the size of a cluster. */
    private enum Change {
        HEAD {
            @Override
            Op op(int c) {
                return new Op.Write(4L * c, 512, 2, false);
            }
        },
        TAIL {
            @Override
            Op op(int c) {
                return new Op.Write(5L * c - 512, 512, 6, false);
            }
        },
        ACROSS {
            @Override
            Op op(int c) {
                return new Op.Write(5L * c - 700, 1400, 10, false);
            }
        },
        SECOND {
            @Override
            Op op(int c) {
                return new Op.Write(5L * c + 1024, 512, 14, false);
            }
        },
        ZERO {
            @Override
            Op op(int c) {
                return new Op.Zero(4L * c, 2 * c, ZeroMode.UNMAP, false);
            }
        },
        ZERO_PART {
            @Override
            Op op(int c) {
                return new Op.Zero(4L * c + 1024, c, ZeroMode.KEEP, false);
            }
        },
        DISCARD {
            @Override
            Op op(int c) {
                return new Op.Discard(4L * c, 2 * c);
            }
        },
        COMPRESS {
            @Override
            Op op(int c) {
                return new Op.Compressed(4L * c, 2 * c, 4);
            }
        };

        abstract Op op(int cluster);
    }

    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

    private Thread start(Runnable work) {
        return Thread.ofPlatform().uncaughtExceptionHandler((_, e) -> failures.add(e)).start(work);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v3 cluster=4k size=64k backing=raw:64k",
                "v3 cluster=16k size=256k ext backing=raw:256k",
            })
    void ofTwoRequestsForOneClusterOneComesFirst(String text) throws Exception {
        int stopped = 0;
        for (State state : State.values()) {
            for (Change first : Change.values()) {
                for (Change second : Change.values()) {
                    String message = text + ": " + state + ", " + first + " stops, " + second;
                    for (int waiting = 0; waiting < 3; waiting++) {
                        String way = message + ", waiting " + waiting;
                        stopped += meet(text, state, first, second, waiting, way) ? 1 : 0;
                    }
                }
            }
        }
        assertTrue(stopped > 300, "stopped " + stopped);
    }

    private boolean meet(
            String text, State state, Change first, Change second, int waiting, String message)
            throws InterruptedException {
        ImageSpec spec = ImageSpec.of(text);
        int c = spec.clusterSize();
        TestImage created = TestImage.create(spec, new Random(ImageZoo.SEED));
        PausingStorage file = new PausingStorage(created.file(), Call.WRITE);
        TestImage files = created.in(file, Optional.empty());
        boolean stopped;
        byte[] now;
        try (Image image = files.open(waiting)) {
            prepare(image, state, c);
            byte[] before = TestBytes.readArray(image, 0, (int) image.length());
            file.arm();
            Thread one = start(() -> Requests.run(image, first.op(c), Op::bytes));
            stopped = file.awaitPause(one);
            Thread other = start(() -> Requests.run(image, second.op(c), Op::bytes));
            file.goOnAfter(other);
            one.join();
            other.join();
            assertEquals(0, failures.size(), () -> message + failures);
            now = TestBytes.readArray(image, 0, (int) image.length());
            byte[] inOrder = after(after(before, first.op(c)), second.op(c));
            byte[] turned = after(after(before, second.op(c)), first.op(c));
            for (int at = 0; at < now.length; at += c) {
                boolean good =
                        Arrays.equals(now, at, at + c, inOrder, at, at + c)
                                || Arrays.equals(now, at, at + c, turned, at, at + c);
                assertTrue(good, message + ", cluster " + at / c);
            }
        }
        files.check().assertClean();
        try (Image image = files.openToRead("")) {
            assertArrayEquals(now, TestBytes.readArray(image, 0, now.length), message);
        }
        return stopped;
    }

    private static void prepare(Image image, State state, int c) {
        switch (state) {
            case BELOW -> {}
            case DATA -> Requests.run(image, new Op.Write(4L * c, 2 * c, 22, false), Op::bytes);
            case ZERO ->
                    Requests.run(
                            image, new Op.Zero(4L * c, 2 * c, ZeroMode.KEEP, false), Op::bytes);
            case COMPRESSED -> Requests.run(image, new Op.Compressed(4L * c, 2 * c, 8), Op::bytes);
            case SHARED -> {
                Requests.run(image, new Op.Write(4L * c, 2 * c, 26, false), Op::bytes);
                image.snapshots()
                        .orElseThrow()
                        .create(
                                new SnapshotInfo(
                                        "", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty()));
            }
        }
        image.flush();
    }

    private static byte[] after(byte[] disk, Op op) {
        byte[] now = disk.clone();
        switch (op) {
            case Op.Write(long at, int length, long seed, _) ->
                    System.arraycopy(Op.bytes(seed, length), 0, now, (int) at, length);
            case Op.Compressed(long at, int length, long seed) ->
                    System.arraycopy(Op.bytes(seed, length), 0, now, (int) at, length);
            case Op.Zero(long at, int length, _, _) ->
                    Arrays.fill(now, (int) at, (int) at + length, (byte) 0);
            case Op.Discard(long at, int length) ->
                    Arrays.fill(now, (int) at, (int) at + length, (byte) 0);
            default -> throw new AssertionError(op);
        }
        return now;
    }

    /** Frees the clusters that a request under way still uses, and fills them with other data. */
    private static void recycle(Image image, int c, byte[] fresh) {
        image.discard(4L * c, 2L * c);
        image.flush();
        for (int at = 0; at < fresh.length; at += c) {
            MemorySegment part = MemorySegment.ofArray(fresh).asSlice(at, c);
            image.write(8L * c + at, part, Durability.CACHED);
        }
        image.flush();
    }

    @ParameterizedTest
    @ValueSource(strings = {"v3 cluster=4k size=64k", "v3 cluster=16k size=256k ext"})
    void aReadUnderWayNeverSeesWhatItsClusterBecomes(String text) throws Exception {
        ImageSpec spec = ImageSpec.of(text);
        int c = spec.clusterSize();
        for (boolean compressed : new boolean[] {false, true}) {
            TestImage created = TestImage.create(spec, new Random(0));
            PausingStorage file = new PausingStorage(created.file(), Call.READ);
            TestImage files = created.in(file, Optional.empty());
            byte[] fresh = Op.bytes(30, 6 * c);
            try (Image image = files.open()) {
                prepare(image, compressed ? State.COMPRESSED : State.DATA, c);
                byte[] before = TestBytes.readArray(image, 0, (int) image.length());
                image.write(0, MemorySegment.ofArray(new byte[c]), Durability.STABLE);
                byte[][] found = {{}};
                file.arm();
                Thread reads = start(() -> found[0] = TestBytes.readArray(image, 4L * c, 2 * c));
                assertTrue(file.awaitPause(reads), "no read");
                Thread other = start(() -> recycle(image, c, fresh));
                file.goOnAfter(other);
                reads.join();
                other.join();
                assertEquals(0, failures.size(), failures::toString);
                byte[] old = Arrays.copyOfRange(before, 4 * c, 6 * c);
                boolean zeros = Arrays.equals(found[0], new byte[2 * c]);
                assertTrue(zeros || Arrays.equals(found[0], old), "foreign bytes");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v3 cluster=4k size=64k", "v3 cluster=16k size=256k ext"})
    void aWriteUnderWayNeverHitsWhatItsClusterBecomes(String text) throws Exception {
        ImageSpec spec = ImageSpec.of(text);
        int c = spec.clusterSize();
        TestImage created = TestImage.create(spec, new Random(0));
        PausingStorage file = new PausingStorage(created.file(), Call.WRITE);
        TestImage files = created.in(file, Optional.empty());
        byte[] fresh = Op.bytes(30, 6 * c);
        try (Image image = files.open()) {
            prepare(image, State.DATA, c);
            file.arm();
            Thread writes = start(() -> Requests.run(image, Change.ACROSS.op(c), Op::bytes));
            assertTrue(file.awaitPause(writes), "no write");
            Thread other = start(() -> recycle(image, c, fresh));
            file.goOnAfter(other);
            writes.join();
            other.join();
            assertEquals(0, failures.size(), failures::toString);
            byte[] found = TestBytes.readArray(image, 8L * c, fresh.length);
            assertArrayEquals(fresh, found);
        }
        files.check().assertClean();
    }
}
