package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Net;
import dev.gaur.net.Transport;
import dev.gaur.storage.memory.MemoryStorage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Flight Recorder sees each request, and nothing is there while it does not look. */
class RequestEventTest {
    private static final int LENGTH = 1 << 20;
    private static final int EINVAL = 22;

    @TempDir Path folder = Path.of("");

    @Test
    void nothingIsMadeWhileNobodyRecords() {
        assertNull(RequestEvent.now());
    }

    @Test
    void aRecordingHasEachRequest() throws Exception {
        Path file = folder.resolve("requests.jfr");
        Endpoint endpoint = new Endpoint.Unix(folder.resolve("s"));
        try (Recording recording = new Recording()) {
            recording.enable("gaur.NbdRequest").withoutThreshold();
            recording.start();
            try (NbdServer server = new NbdServer(ServerOptions.DEFAULT)) {
                server.add(Export.of("disk", new MemoryStorage("disk", LENGTH)));
                server.listen(endpoint);
                try (Transport client = Net.connect(endpoint);
                        Arena arena = Arena.ofConfined()) {
                    readSome(client, arena);
                }
            } // The connection's thread has ended: all is recorded.
            recording.stop();
            recording.dump(file);
        }
        List<String> seen = new ArrayList<>();
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
            if (event.getEventType().getName().equals("gaur.NbdRequest")) {
                assertEquals("disk", event.getString("export"));
                assertFalse(event.getDuration().isNegative());
                seen.add(
                        "%s %d+%d %d"
                                .formatted(
                                        event.getString("type"),
                                        event.getLong("offset"),
                                        event.getLong("length"),
                                        event.getInt("error")));
            }
        }
        assertEquals(List.of("read 4096+512 0", "read 1048576+512 " + EINVAL, "flush 0+0 0"), seen);
    }

    /** The shortest conversation that there is: an export by name, three requests, the end. */
    private static void readSome(Transport client, Arena arena) throws Exception {
        client.receiveAll(arena.allocate(18));
        MemorySegment hello = arena.allocate(4 + 16 + 4);
        Bytes.putU32(hello, 0, Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        Bytes.putU64(hello, 4, Nbd.OPTION_MAGIC);
        Bytes.putU32(hello, 12, Nbd.OPT_EXPORT_NAME);
        Bytes.putU32(hello, 16, 4);
        MemorySegment.copy(MemorySegment.ofArray("disk".getBytes("UTF-8")), 0, hello, 20, 4);
        client.send(hello);
        client.receiveAll(arena.allocate(10));
        client.send(request(arena, Nbd.CMD_READ, 4096, 512));
        client.receiveAll(arena.allocate(16 + 512));
        client.send(request(arena, Nbd.CMD_READ, LENGTH, 512));
        client.receiveAll(arena.allocate(16));
        client.send(request(arena, Nbd.CMD_FLUSH, 0, 0));
        client.receiveAll(arena.allocate(16));
        client.send(request(arena, Nbd.CMD_DISC, 0, 0));
    }

    private static MemorySegment request(Arena arena, int type, long offset, int length) {
        MemorySegment bytes = arena.allocate(28);
        Bytes.putU32(bytes, 0, Nbd.REQUEST_MAGIC);
        Bytes.putU16(bytes, 6, type);
        Bytes.putU64(bytes, 8, 1);
        Bytes.putU64(bytes, 16, offset);
        Bytes.putU32(bytes, 24, length);
        return bytes;
    }
}
