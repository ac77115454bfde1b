package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BegunDisk;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.PassingDisk;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server that has no memory or no threads for a request answers it nevertheless, and goes on. */
@Timeout(120)
class ScarcityTest {
    private static final int MIB = 1 << 20;
    private static final ServerOptions OPTIONS =
            ServerOptions.DEFAULT.withDrainLimit(Duration.ofMillis(300));

    private static final Duration FOREVER = Duration.ofDays(1);

    @TempDir Path folder;

    @Test
    void aLargeReadThatWaitsTooLongForMemoryFailsAlone() throws IOException {
        LargeMemory.Limits limits = new LargeMemory.Limits(Duration.ofMillis(1), FOREVER);
        Buffers.Server impatient = new Buffers.Server(Buffers.TOTAL, limits);
        MemoryStorage large = new MemoryStorage("large", 64 * MIB);
        List<NbdScript> greedy = new ArrayList<>();
        try (TestServer server = new TestServer(folder, OPTIONS, large, impatient, new Workers())) {
            for (int i = 0; i < 8; i++) {
                NbdScript client = NbdScript.simple(server.unix, "disk");
                client.request(0, Nbd.CMD_READ, 1, 0, 31 * MIB);
                greedy.add(client);
            }
            TestServer.await("memory is left", () -> impatient.largeOut() == 8 * 31);
            try (NbdScript good = NbdScript.simple(server.unix, "disk")) {
                good.request(0, Nbd.CMD_READ, 1, 0, 32 * MIB);
                assertEquals(NbdErrors.ENOMEM, good.reply().error());
                assertEquals(MIB, good.readSimple(0, MIB).length);
                for (NbdScript each : greedy) {
                    each.close();
                }
                TestServer.await("memory is kept", () -> impatient.largeOut() == 0);
                assertEquals(32 * MIB, good.readSimple(MIB, 32 * MIB).length);
            }
        }
    }

    /** Half of them take no answers, half do not send what they have announced. */
    @Test
    void whoStandsStillDoesNotKeepMemoryFromOthers() throws IOException {
        LargeMemory.Limits limits = new LargeMemory.Limits(FOREVER, Duration.ZERO);
        Buffers.Server buffers = new Buffers.Server(Buffers.TOTAL, limits);
        MemoryStorage large = new MemoryStorage("large", 64 * MIB);
        List<NbdScript> greedy = new ArrayList<>();
        try (TestServer server = new TestServer(folder, OPTIONS, large, buffers, new Workers())) {
            for (int i = 0; i < 8; i++) {
                NbdScript client = NbdScript.simple(server.unix, "disk");
                int command = i % 2 == 0 ? Nbd.CMD_READ : Nbd.CMD_WRITE;
                client.request(0, command, 1, 0, 31 * MIB);
                client.send(new byte[i % 2 * MIB]);
                greedy.add(client);
            }
            TestServer.await("memory is left", () -> buffers.largeOut() == 8 * 31);
            try (NbdScript good = NbdScript.simple(server.unix, "disk")) {
                assertEquals(32 * MIB, good.readSimple(MIB, 32 * MIB).length);
            }
            for (NbdScript each : greedy) {
                each.close();
            }
        }
    }

    /** Its requests come at once: a single one would be done before the next ones are looked at. */
    @Test
    void oneClientKeepsNoMoreThanItsShare() throws IOException {
        MemoryStorage large = new MemoryStorage("large", 64 * MIB);
        Buffers.Server buffers = new Buffers.Server();
        PassingDisk slow = new PassingDisk(large);
        try (TestServer server = new TestServer(folder, OPTIONS, slow, buffers, new Workers());
                NbdScript greedy = NbdScript.simple(server.unix, "disk")) {
            byte[][] requests = new byte[40][];
            for (int i = 0; i < requests.length; i++) {
                requests[i] = greedy.header(0, Nbd.CMD_READ, i, 0, 20 * MIB);
            }
            greedy.send(requests);
            TestServer.await("it has none", () -> buffers.largeOut() == 3 * 20);
            try (NbdScript good = NbdScript.simple(server.unix, "disk")) {
                for (int i = 0; i < 20; i++) {
                    assertEquals(32 * MIB, good.readSimple(MIB, 32 * MIB).length);
                }
                TestServer.await("it has more", () -> buffers.largeOut() == 3 * 20);
            }
        }
    }

    /** A thread that cannot be started, as when the system has no memory for it. */
    private static final class Stillborn extends Thread {
        Stillborn(Runnable work) {
            super(work);
        }

        @Override
        public void start() {
            throw new OutOfMemoryError("unable to create native thread");
        }
    }

    /** Who has to do what workers should do does not wait for a read of its own. */
    @Test
    void withoutThreadsAFlushWaitsForNoReadThatNobodyFinishes() throws IOException {
        BegunDisk disk = new BegunDisk(new MemoryStorage("disk", MIB), () -> false, _ -> false);
        Workers none = new Workers(Stillborn::new);
        try (TestServer server = new TestServer(folder, OPTIONS, disk, new Buffers.Server(), none);
                NbdScript client = NbdScript.with(server.unix, "disk", Nbd.OPT_STRUCTURED_REPLY)) {
            client.send(
                    client.header(0, Nbd.CMD_READ, 1, 0, 512),
                    client.header(0, Nbd.CMD_FLUSH, 2, 0, 0));
            assertEquals(0, client.reply().error());
            assertEquals(0, client.reply().error());
        }
    }

    /** At first there is no thread at all, then one for every third that is wanted. */
    @ParameterizedTest
    @ValueSource(ints = {Integer.MAX_VALUE, 3})
    void withoutThreadsForItEachRequestIsAnswered(int oneOf) throws IOException {
        AtomicInteger wanted = new AtomicInteger();
        Workers few =
                new Workers(
                        work ->
                                wanted.incrementAndGet() % oneOf == 0
                                        ? Thread.ofPlatform()
                                                .daemon()
                                                .name("gaur-worker")
                                                .unstarted(work)
                                        : new Stillborn(work));
        byte[] content = TestBytes.patchy(new Random(5), TestServer.SIZE);
        BlockIo slow = new PassingDisk(new MemoryStorage("disk", content));
        try (TestServer server = new TestServer(folder, OPTIONS, slow, new Buffers.Server(), few)) {
            try (NbdScript client = NbdScript.simple(server.unix, "disk")) {
                for (int i = 0; i < 64; i++) {
                    client.request(0, Nbd.CMD_READ, i, i * 5000L, 4096);
                }
                for (int i = 0; i < 64; i++) {
                    NbdScript.Reply reply = client.reply();
                    int at = (int) reply.cookie() * 5000;
                    assertEquals(0, reply.error());
                    assertArrayEquals(TestBytes.readArray(slow, at, 4096), client.receive(4096));
                }
            }
            server.assertServes();
        }
    }

    /** A disk that has no memory for what it is asked to do. */
    private static final class Poor extends PassingDisk {
        Poor(BlockIo disk) {
            super(disk);
        }

        @Override
        public void read(long offset, MemorySegment target) {
            if (offset < MIB) {
                throw new OutOfMemoryError("read");
            }
            super.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (offset < MIB) {
                throw new OutOfMemoryError("write");
            }
            super.write(offset, source, durability);
        }
    }

    @Test
    void whatADiskHasNoMemoryForFailsAlone() throws IOException {
        byte[] content = TestBytes.patchy(new Random(5), TestServer.SIZE);
        Poor poor = new Poor(new MemoryStorage("disk", content));
        try (TestServer server = new TestServer(folder, OPTIONS, poor)) {
            try (NbdScript client = NbdScript.simple(server.unix, "disk")) {
                byte[] data = new byte[4096];
                for (int i = 0; i < 100; i++) {
                    client.request(0, Nbd.CMD_READ, 2L * i, 0, 4096);
                    client.request(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, 2L * i + 1, 0, 4096, data);
                }
                for (int i = 0; i < 200; i++) {
                    assertEquals(NbdErrors.ENOMEM, client.reply().error());
                }
                assertArrayEquals(
                        TestBytes.readArray(poor, MIB, 4096), client.readSimple(MIB, 4096));
            }
        }
    }
}
