package dev.gaur.storage.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.nbd.Nbd;
import dev.gaur.storage.StorageOptions;
import dev.gaur.testkit.ScriptedNbd;
import dev.gaur.testkit.ScriptedNbd.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests that are longer than what a server takes. */
class LongRequestsTest {
    @TempDir Path folder = Path.of("");

    private ScriptedNbd server(ScriptedNbd.Script script) throws IOException {
        return ScriptedNbd.start(folder.resolve("socket"), script);
    }

    private static StorageNode open(ScriptedNbd server) {
        NbdAddress address = new NbdAddress(server.endpoint(), "", false);
        return NbdDriver.DEFAULT.open(address, StorageOptions.WRITE);
    }

    @Test
    void longRequestsAreSentInParts() throws Exception {
        List<Long> lengths = new ArrayList<>();
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(1L << 40, Nbd.SEND_TRIM | Nbd.SEND_WRITE_ZEROES, 0);
                    while (true) {
                        Request request = peer.request();
                        if (request.type() == Nbd.CMD_DISC) {
                            return;
                        }
                        lengths.add(request.length());
                        peer.simple(request, 0, new byte[0]);
                    }
                };
        byte[] bytes = new byte[(32 << 20) + 1000];
        Arrays.fill(bytes, (byte) 3);
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(server)) {
            disk.write(0, MemorySegment.ofArray(bytes), Durability.CACHED);
            disk.zero(0, (64L << 20) + 512, ZeroMode.UNMAP, Durability.CACHED);
            disk.discard(0, 3L << 30);
            assertEquals(1L << 40, disk.length(), server.endpoint().toString());
        }
        long part = 32 << 20;
        long gib = 1 << 30;
        assertEquals(List.of(part, 1000L, part, part, 512L, gib, gib, gib), lengths);
    }
}
