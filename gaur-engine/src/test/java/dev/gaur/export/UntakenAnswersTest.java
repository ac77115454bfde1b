package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.nbd.Nbd;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.PassingDisk;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that ask for much and take nothing: what they may hold, and what others still get. */
@Timeout(120)
class UntakenAnswersTest {
    private static final int CLIENTS = 40;
    private static final int LENGTH = 256 << 10;
    private static final long BUFFER = LENGTH + 4096;

    @TempDir Path folder;
    private TestServer server;
    private final List<NbdScript> greedy = new ArrayList<>();

    @BeforeEach
    void serve() throws IOException {
        byte[] content = TestBytes.patchy(new Random(5), TestServer.SIZE);
        ServerOptions options = ServerOptions.DEFAULT.withDrainLimit(Duration.ofMillis(300));
        server =
                new TestServer(
                        folder, options, new PassingDisk(new MemoryStorage("disk", content)));
        for (int i = 0; i < CLIENTS; i++) {
            NbdScript client = client();
            for (int j = 0; j < 64; j++) {
                client.request(0, Nbd.CMD_READ, j, 0, LENGTH);
            }
            greedy.add(client);
        }
        TestServer.await("the budget is not used", () -> out() > Buffers.TOTAL - BUFFER);
    }

    @AfterEach
    void end() throws IOException {
        for (NbdScript each : greedy) {
            each.close();
        }
        server.close();
    }

    private NbdScript client() throws IOException {
        return NbdScript.with(server.unix, "disk", Nbd.OPT_STRUCTURED_REPLY, "base:allocation");
    }

    private long out() {
        return server.server.buffers().out();
    }

    @Test
    void togetherTheyHoldNoMoreThanTheBudgetAndAnAnswerEach() throws IOException {
        try (NbdScript good = client()) {
            for (int i = 0; i < 100; i++) {
                long now = out();
                assertTrue(now <= Buffers.TOTAL + (CLIENTS + 1) * BUFFER, now + " bytes are out");
                good.write(1, 0, new byte[LENGTH]);
                assertEquals(0, good.reply().error());
            }
        }
    }

    /** One request at a time goes on as always, several take turns. */
    @Test
    void othersGetTheirAnswers() throws IOException {
        try (NbdScript good = client()) {
            for (int i = 0; i < 50; i++) {
                good.request(0, Nbd.CMD_READ, i, i, LENGTH);
                good.request(0, Nbd.CMD_BLOCK_STATUS, i, 0, TestServer.SIZE);
                good.request(0, Nbd.CMD_CACHE, i, 0, TestServer.SIZE);
                good.request(0, Nbd.CMD_FLUSH, i, 0, 0);
            }
            for (int left = 200; left > 0; ) {
                NbdScript.Reply reply = good.reply();
                assertEquals(0, reply.error());
                left -= reply.isFinal() ? 1 : 0;
            }
        }
    }

    @Test
    void whoTakesThemAfterAllGetsThemAll() throws IOException {
        for (NbdScript each : greedy) {
            for (int left = 64; left > 0; ) {
                NbdScript.Reply reply = each.reply();
                assertEquals(0, reply.error());
                left -= reply.isFinal() ? 1 : 0;
            }
        }
    }
}
