package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BegunDisk;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.TestBytes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests that a disk does by itself: their answers, and that nobody waits for a slow client. */
@Timeout(120)
class BegunRequestsTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int COUNT = 400;
    private static final int BLOCK = 8192;

    @TempDir Path folder;
    private final byte[] content = TestBytes.patchy(new Random(5), TestServer.SIZE);

    private BegunDisk disk(BooleanSupplier isDone) {
        MemoryStorage memory = new MemoryStorage("disk", content);
        return new BegunDisk(memory, isDone, offset -> offset % (BLOCK * 7) == 0);
    }

    private TestServer serve(BegunDisk disk) throws IOException {
        ServerOptions options = ServerOptions.DEFAULT.withDrainLimit(Duration.ofMillis(300));
        return new TestServer(folder, options, disk);
    }

    private static BooleanSupplier sometimes(Random random) {
        return () -> {
            synchronized (random) {
                return random.nextInt(4) == 0;
            }
        };
    }

    /** The disk may be writing to its memory: so it is neither an answer nor anybody else's. */
    @Test
    void memoryOfAReadThatEndedWithAnErrorIsNeverUsedAgain() {
        BegunDisk disk =
                new BegunDisk(
                        new MemoryStorage("disk", content),
                        () -> false,
                        offset -> {
                            if (offset == BLOCK) {
                                throw new OutOfMemoryError("for this test");
                            }
                            return false;
                        });
        Buffers.Server memory = new Buffers.Server();
        BegunRequests reads =
                new BegunRequests(disk, memory.forConnection(new Progress(), () -> {}));
        for (int i = 0; i < 3; i++) {
            assertTrue(reads.beginRead(new Request(0, Nbd.CMD_READ, i, (long) i * BLOCK, BLOCK)));
        }
        long each = memory.out() / 3;
        assertThrows(OutOfMemoryError.class, reads::finishAll);
        assertEquals(3, disk.finished(), "the others, too: somebody may wait for them");
        for (int i : new int[] {0, 2}) {
            BegunRequests.Begun read = reads.next();
            assertNotNull(read);
            assertEquals(i, read.request().cookie());
            read.close();
        }
        assertNull(reads.next());
        assertEquals(each, memory.out());
        assertEquals(3, disk.finished()); // Each once: it leaves an epoch.
    }

    private static Request write(int flags, long length) {
        return new Request(flags, Nbd.CMD_WRITE, 1, 0, length);
    }

    @Test
    void onlySmallWritesThatNeedNotBeStableAreBegun() {
        BegunRequests requests =
                new BegunRequests(
                        disk(() -> false),
                        new Buffers.Server().forConnection(new Progress(), () -> {}));
        assertTrue(requests.mayWrite(write(0, BLOCK)));
        assertFalse(requests.mayWrite(write(Nbd.CMD_FLAG_FUA, BLOCK)));
        assertFalse(requests.mayWrite(write(0, 0)));
        assertFalse(requests.mayWrite(write(0, 1 << 20)));
    }

    @Test
    void eachRequestGetsItsOwnAnswer() throws IOException {
        Random random = new Random(SEED);
        BegunDisk disk = disk(sometimes(new Random(SEED)));
        try (TestServer server = serve(disk);
                NbdScript client = NbdScript.with(server.unix, "disk", Nbd.OPT_STRUCTURED_REPLY)) {
            int[] places = random.ints(COUNT, 1, TestServer.SIZE / BLOCK).toArray();
            for (int i = 0; i < COUNT; i++) {
                client.request(0, Nbd.CMD_READ, i, (long) places[i] * BLOCK, BLOCK);
            }
            for (int i = 0; i < COUNT; i++) {
                assertRight(client.reply(), places);
            }
            assertTrue(disk.begun() > 0);
            assertEquals(disk.begun(), disk.finished());
        }
    }

    private void assertRight(NbdScript.Reply reply, int[] places) {
        int place = places[(int) reply.cookie()];
        if (place % 7 == 0) {
            assertEquals(NbdErrors.EIO, reply.error(), "seed " + SEED);
            return;
        }
        assertEquals(0, reply.error(), "seed " + SEED);
        byte[] expected = Arrays.copyOfRange(content, place * BLOCK, (place + 1) * BLOCK);
        if (reply.type() == Nbd.REPLY_TYPE_OFFSET_HOLE) {
            assertArrayEquals(new byte[BLOCK], expected, "seed " + SEED);
        } else {
            byte[] data = Arrays.copyOfRange(reply.data(), 8, reply.data().length);
            assertArrayEquals(expected, data, "seed " + SEED);
        }
    }

    /** Writes and flushes wait for reads under way, which the same client sent. */
    @Test
    void changesGoOnBesideReads() throws IOException {
        BegunDisk disk = disk(() -> false);
        try (TestServer server = serve(disk);
                NbdScript client = NbdScript.with(server.unix, "disk", Nbd.OPT_STRUCTURED_REPLY)) {
            byte[] data = new byte[BLOCK];
            for (int i = 0; i < COUNT; i++) {
                switch (i % 5) {
                    case 0 -> client.write(i, 2 * BLOCK, data);
                    case 1 -> client.request(0, Nbd.CMD_FLUSH, i, 0, 0);
                    default -> client.request(0, Nbd.CMD_READ, i, BLOCK, BLOCK);
                }
            }
            for (int i = 0; i < COUNT; i++) {
                assertEquals(0, client.reply().error());
            }
            assertTrue(disk.begun() > 0);
        }
    }

    /** Beside reads, without which a disk that writes so fast would not be asked to. */
    @Test
    void eachWriteIsDoneAndAnswered() throws IOException {
        Random random = new Random(SEED);
        BegunDisk disk = disk(sometimes(new Random(SEED)));
        byte[] expected = content.clone();
        int replies = 0;
        try (TestServer server = serve(disk);
                NbdScript client = NbdScript.with(server.unix, "disk", Nbd.OPT_STRUCTURED_REPLY)) {
            List<Integer> places = new ArrayList<>();
            for (int i = 0; i < TestServer.SIZE / BLOCK; i++) {
                places.add(i);
            }
            Collections.shuffle(places, random);
            for (int place : places) {
                if (place % 4 == 0) {
                    client.request(0, Nbd.CMD_READ, 1, BLOCK, BLOCK);
                    replies++;
                }
                byte[] data = new byte[BLOCK];
                random.nextBytes(data);
                int flags = place % 5 == 0 ? Nbd.CMD_FLAG_FUA : 0;
                long offset = (long) place * BLOCK;
                client.request(flags, Nbd.CMD_WRITE, place, offset, BLOCK, data);
                replies++;
                if (place % 7 != 0) {
                    System.arraycopy(data, 0, expected, place * BLOCK, BLOCK);
                }
            }
            for (int i = 0; i < replies; i++) {
                NbdScript.Reply reply = client.reply();
                boolean bad = reply.cookie() % 7 == 0;
                assertEquals(bad ? NbdErrors.EIO : 0, reply.error(), "seed " + SEED);
            }
            assertTrue(disk.begun() > TestServer.SIZE / BLOCK / 4, "more than the reads");
            assertEquals(disk.begun(), disk.finished());
            byte[] found = TestBytes.readArray(disk.below(), 0, TestServer.SIZE);
            assertArrayEquals(expected, found, "seed " + SEED);
        }
    }

    /** Others may wait for what is under way, however much a client asks for at once. */
    @Test
    void whatIsDoneIsAnsweredBeforeTheRestOfALongBatch() throws IOException {
        BegunDisk disk = disk(() -> true);
        try (TestServer server = serve(disk);
                NbdScript client = NbdScript.simple(server.unix, "disk")) {
            ByteArrayOutputStream batch = new ByteArrayOutputStream();
            batch.writeBytes(client.header(0, Nbd.CMD_READ, 0, BLOCK, 512));
            for (int i = 1; i < COUNT; i++) {
                batch.writeBytes(client.header(0, Nbd.CMD_READ, i, -1, 512)); // Is refused.
            }
            client.send(batch.toByteArray());
            int before = 0;
            while (client.reply().cookie() != 0) {
                before++;
            }
            assertTrue(before < COUNT / 2, before + " of " + COUNT);
        }
    }

    /** It takes no answer, or only half a write comes: then none of its reads is under way. */
    @Test
    void whoWaitsForAClientHoldsNoRead() throws Exception {
        BegunDisk disk = disk(() -> false);
        try (TestServer server = serve(disk);
                NbdScript deaf = NbdScript.simple(server.unix, "disk");
                NbdScript half = NbdScript.simple(server.unix, "disk")) {
            for (int i = 0; i < COUNT; i++) {
                deaf.request(0, Nbd.CMD_READ, i, BLOCK, 60_000);
            }
            half.request(0, Nbd.CMD_READ, 1, BLOCK, BLOCK);
            half.write(3, BLOCK, new byte[BLOCK]);
            half.send(half.header(0, Nbd.CMD_WRITE, 2, 0, BLOCK), new byte[100]);
            TestServer.await("reads stay under way", () -> isStill(disk));
            Thread other = Thread.ofPlatform().daemon().start(disk.epoch::awaitEarlier);
            other.join();
        }
    }

    /** More than there is room for beside what is under way; the rest may never come. */
    @Test
    void whoSendsPartOfALargeWriteHoldsNoRead() throws Exception {
        BegunDisk disk = disk(() -> false);
        try (TestServer server = serve(disk);
                NbdScript half = NbdScript.simple(server.tcp, "disk")) {
            half.send(
                    half.header(0, Nbd.CMD_READ, 1, BLOCK, BLOCK),
                    half.header(0, Nbd.CMD_WRITE, 2, 0, 1 << 20),
                    new byte[600 << 10]);
            TestServer.await("reads stay under way", () -> isStill(disk));
        }
    }

    /** Whether nothing was begun while this looked, and nothing is under way. */
    private static boolean isStill(BegunDisk disk) {
        int before = disk.begun();
        for (int i = 0; i < 10_000; i++) {
            Thread.yield();
            if (disk.begun() != before || disk.finished() != before || before == 0) {
                return false;
            }
        }
        return true;
    }

    @Test
    void whoLeavesLeavesNoReadBehind() throws Exception {
        BegunDisk disk = disk(() -> false);
        try (TestServer server = serve(disk)) {
            for (int round = 0; round < 20; round++) {
                NbdScript client = NbdScript.simple(server.tcp, "disk");
                for (int i = 0; i <= round; i++) {
                    client.request(0, Nbd.CMD_READ, i, BLOCK, BLOCK);
                }
                client.reset();
            }
            server.awaitEnded(20);
            assertEquals(disk.begun(), disk.finished());
        }
    }
}
