package dev.gaur.storage.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.nbd.Nbd;
import dev.gaur.testkit.ScriptedNbd;
import dev.gaur.testkit.ScriptedNbd.Peer;
import dev.gaur.testkit.ScriptedNbd.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Servers whose block status is broken or mean. */
class HostileStatusTest extends HostileServers {
    private List<Extent> status(int form, Answer answer) throws IOException {
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, form);
                    answer.to(peer, peer.request());
                    peer.awaitEnd();
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(server)) {
            List<Extent> found = new ArrayList<>();
            disk.extents(0, 10_000, found::add);
            return found;
        }
    }

    private static void extents(Peer peer, Request request, int context, long... pairs)
            throws IOException {
        peer.chunk(
                request,
                Nbd.REPLY_TYPE_BLOCK_STATUS,
                true,
                b -> {
                    b.writeInt(context);
                    for (long each : pairs) {
                        b.writeInt((int) each);
                    }
                });
    }

    private static void longExtents(Peer peer, Request request, int count, long... pairs)
            throws IOException {
        peer.chunk(
                request,
                Nbd.REPLY_TYPE_BLOCK_STATUS_EXT,
                true,
                b -> {
                    b.writeInt(ScriptedNbd.CONTEXT);
                    b.writeInt(count);
                    for (long each : pairs) {
                        b.writeLong(each);
                    }
                });
    }

    @Test
    void theLastExtentMayBeTooLong() throws Exception {
        long most = (1L << 32) - 1;
        List<Extent> expected =
                List.of(
                        new Extent.Data(0, 4096, 0, 0, false),
                        new Extent.Zero(4096, 5904, 0, 4096));
        assertEquals(
                expected,
                status(
                        STRUCTURED,
                        (peer, request) ->
                                extents(peer, request, ScriptedNbd.CONTEXT, 4096, 0, most, 3)));
        assertEquals(
                expected,
                status(
                        EXTENDED,
                        (peer, request) ->
                                longExtents(peer, request, 2, 4096, 0, Long.MAX_VALUE, 3)));
    }

    private void statusFails(int form, Answer answer) {
        BlockException.Media failure =
                assertThrows(BlockException.Media.class, () -> status(form, answer));
        assertTrue(failure.found().contains("breaks the protocol"), failure.found());
    }

    @Test
    void extentsThatMakeNoSenseEndTheConnection() {
        int known = ScriptedNbd.CONTEXT;
        statusFails(STRUCTURED, (peer, request) -> extents(peer, request, known));
        statusFails(STRUCTURED, (peer, request) -> extents(peer, request, known, 0, 0));
        statusFails(STRUCTURED, (peer, request) -> extents(peer, request, known, 4096));
        statusFails(STRUCTURED, (peer, request) -> extents(peer, request, known, 10_000, 0, 1, 0));
        statusFails(STRUCTURED, (peer, request) -> extents(peer, request, 8, 10_000, 0));
        statusFails(STRUCTURED, (peer, request) -> longExtents(peer, request, 1, 10_000, 0));
        statusFails(STRUCTURED, (peer, request) -> peer.simple(request, 0, new byte[0]));
        statusFails(EXTENDED, (peer, request) -> extents(peer, request, known, 10_000, 0));
        statusFails(EXTENDED, (peer, request) -> longExtents(peer, request, 0));
        statusFails(EXTENDED, (peer, request) -> longExtents(peer, request, 2, 10_000, 0));
        statusFails(EXTENDED, (peer, request) -> longExtents(peer, request, 1, -1, 0));
        statusFails(EXTENDED, (peer, request) -> longExtents(peer, request, 1, 0, 0));
    }
}
