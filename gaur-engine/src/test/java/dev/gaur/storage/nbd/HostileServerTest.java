package dev.gaur.storage.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.nbd.Nbd;
import dev.gaur.testkit.ScriptedNbd;
import dev.gaur.testkit.ScriptedNbd.Peer;
import dev.gaur.testkit.ScriptedNbd.Request;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * Servers that are broken or mean: a request on one ends with an error, never with wrong bytes, a
 * lot of memory, a hang or another throwable.
 */
class HostileServerTest extends HostileServers {
    // ---- handshake

    private String openingFails(ScriptedNbd.Script script) throws IOException {
        try (ScriptedNbd server = server(script)) {
            return assertThrows(BlockException.Media.class, () -> open(server)).found();
        }
    }

    @Test
    void whatIsNoNbdServerIsRefused() throws Exception {
        String why =
                openingFails(
                        peer -> {
                            peer.out().writeBytes("HTTP/1.1 400 Bad Request\r\n\r\n");
                            peer.awaitEnd();
                        });
        assertTrue(why.endsWith("it is no NBD server"), why);
    }

    @Test
    void theProtocolOfBefore2011IsRefused() throws Exception {
        String why =
                openingFails(
                        peer -> {
                            peer.out().writeLong(Nbd.MAGIC);
                            peer.out().writeLong(Nbd.OLD_STYLE_MAGIC);
                            peer.out().write(new byte[136]);
                            peer.awaitEnd();
                        });
        assertTrue(why.contains("before 2011"), why);
    }

    @Test
    void aSilentServerIsLeftAfterTheLimit() throws Exception {
        ClientOptions options = ClientOptions.DEFAULT.withHandshakeLimit(Duration.ofMillis(50));
        try (ScriptedNbd server = server(Peer::awaitEnd)) {
            String why =
                    assertThrows(BlockException.Media.class, () -> open(server, options)).found();
            assertTrue(why.contains("has not agreed within 50 ms"), why);
        }
    }

    @Test
    void sizesThatAreNoneAreRefused() throws Exception {
        for (long size : new long[] {Long.MIN_VALUE, -1, Long.MIN_VALUE + 4096}) {
            String why = openingFails(peer -> peer.agree(size, 0, STRUCTURED));
            assertEquals("export length is too large", why);
        }
    }

    @Test
    void blockSizesThatMakeNoSenseAreRefused() throws Exception {
        int[][] wrong = {
            {0, 4096, 4096},
            {3, 4, 8},
            {1 << 17, 1 << 17, 1 << 20},
            {-1, 1, 1},
            {4096, 4096, 512},
            {4096, 4096, 0}
        };
        for (int[] each : wrong) {
            openingFails(
                    peer ->
                            info(
                                    peer,
                                    b -> Peer.blocks(b, each[0], each[1], each[2]),
                                    b -> Peer.export(b, SIZE, 0)));
        }
        String why =
                openingFails(
                        peer ->
                                info(
                                        peer,
                                        b -> Peer.blocks(b, 4096, 4096, 4096),
                                        b -> Peer.export(b, SIZE + 512, 0)));
        assertEquals("export size 1049088 is not multiple of minimum block size 4096", why);
    }

    /** Refuses all options but GO, which is answered with some pieces. */
    private static void info(Peer peer, Peer.Message... pieces) throws IOException {
        peer.greet();
        for (int option = peer.option(); option != Nbd.OPT_GO; option = peer.option()) {
            peer.answer(option, Nbd.REP_ERR_UNSUP, b -> {});
        }
        for (Peer.Message each : pieces) {
            peer.answer(Nbd.OPT_GO, Nbd.REP_INFO, each);
        }
        peer.answer(Nbd.OPT_GO, Nbd.REP_ACK, b -> {});
        peer.awaitEnd();
    }

    @Test
    void anAgreementWithoutASizeIsNone() throws Exception {
        String why = openingFails(peer -> info(peer));
        assertTrue(why.endsWith("it does not tell the size"), why);
    }

    @Test
    void piecesOfAWrongLengthAreRefused() throws Exception {
        openingFails(peer -> info(peer, b -> b.write(0)));
        openingFails(peer -> info(peer, b -> b.writeShort(Nbd.INFO_EXPORT)));
        openingFails(peer -> info(peer, b -> b.writeLong(0x0003_0000_0000_0000L)));
        openingFails(peer -> info(peer, b -> b.write(new byte[5000])));
    }

    @Test
    void answersToOptionsThatAreTooLongAreNotReceived() throws Exception {
        for (int length : new int[] {-1, Integer.MAX_VALUE, Integer.MIN_VALUE, 1 << 20}) {
            openingFails(
                    peer -> {
                        peer.greet();
                        int option = peer.option();
                        peer.send(
                                b -> {
                                    b.writeLong(Nbd.REPLY_MAGIC);
                                    b.writeInt(option);
                                    b.writeInt(Nbd.REP_ERR_UNSUP);
                                    b.writeInt(length);
                                });
                        peer.awaitEnd();
                    });
        }
    }

    @Test
    void answersToAnotherOptionAreRefused() throws Exception {
        openingFails(
                peer -> {
                    peer.greet();
                    peer.answer(peer.option() + 1, Nbd.REP_ACK, b -> {});
                    peer.awaitEnd();
                });
        openingFails(
                peer -> {
                    peer.greet();
                    peer.answer(peer.option(), Nbd.REP_SERVER, b -> b.writeInt(0));
                    peer.awaitEnd();
                });
    }

    // ---- answers to a read

    /**
     * @param ends whether the connection is of no use after that
     */
    private String readFails(int form, boolean ends, Answer answer) throws IOException {
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, form);
                    answer.to(peer, peer.request());
                    peer.awaitEnd();
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(server)) {
            BlockException.Media failure =
                    assertThrows(
                            BlockException.Media.class, () -> TestBytes.read(disk, 4096, 8192));
            if (ends) {
                assertThrows(BlockException.Media.class, () -> TestBytes.read(disk, 0, 1));
            }
            return failure.found();
        }
    }

    private void isViolation(int form, Answer answer) throws IOException {
        String why = readFails(form, true, answer);
        assertTrue(why.startsWith("the NBD server breaks the protocol: "), why);
    }

    private void isViolation(Answer answer) throws IOException {
        isViolation(STRUCTURED, answer);
        isViolation(EXTENDED, answer);
    }

    private static void data(Peer peer, Request request, long offset, int length, boolean done)
            throws IOException {
        peer.chunk(
                request,
                Nbd.REPLY_TYPE_OFFSET_DATA,
                done,
                b -> {
                    b.writeLong(offset);
                    b.write(new byte[length]);
                });
    }

    private static void hole(Peer peer, Request request, long offset, int length, boolean done)
            throws IOException {
        peer.chunk(
                request,
                Nbd.REPLY_TYPE_OFFSET_HOLE,
                done,
                b -> {
                    b.writeLong(offset);
                    b.writeInt(length);
                });
    }

    @Test
    void answersToWhatWasNotAskedEndTheConnection() throws Exception {
        for (long change : new long[] {1, -1, 128, 1L << 40, Long.MIN_VALUE}) {
            isViolation(
                    (peer, request) -> {
                        Request other =
                                new Request(0, 0, request.cookie() + change, 0, 0, new byte[0]);
                        data(peer, other, 4096, 8192, true);
                    });
        }
    }

    @Test
    void bytesThatAreNoAnswerEndTheConnection() throws Exception {
        isViolation((peer, request) -> peer.out().write(new byte[64]));
        isViolation(0, (peer, request) -> peer.out().write(new byte[64]));
        isViolation(EXTENDED, (peer, request) -> peer.simple(request, 0, new byte[8192]));
        isViolation(0, (peer, request) -> peer.header(request, 0, true, 0));
    }

    @Test
    void aReadIsNotAnsweredWithoutChunksWhereThereAreChunks() throws Exception {
        isViolation(STRUCTURED, (peer, request) -> peer.simple(request, 0, new byte[8192]));
    }

    @Test
    void dataOutsideOfTheRequestEndsTheConnection() throws Exception {
        isViolation((peer, request) -> data(peer, request, 0, 8192, true));
        isViolation((peer, request) -> data(peer, request, 4095, 1, false));
        isViolation((peer, request) -> data(peer, request, 4096, 8193, true));
        isViolation((peer, request) -> data(peer, request, 12287, 2, false));
        isViolation((peer, request) -> data(peer, request, -1, 1, false));
        isViolation((peer, request) -> data(peer, request, Long.MIN_VALUE, 4096, false));
        isViolation((peer, request) -> data(peer, request, Long.MAX_VALUE, 8192, false));
    }

    @Test
    void holesOutsideOfTheRequestEndTheConnection() throws Exception {
        isViolation((peer, request) -> hole(peer, request, 4096, 8193, true));
        isViolation((peer, request) -> hole(peer, request, 4096, -1, true));
        isViolation((peer, request) -> hole(peer, request, 4096, Integer.MIN_VALUE, true));
        isViolation((peer, request) -> hole(peer, request, 4096, 0, false));
        isViolation((peer, request) -> hole(peer, request, 0, 4096, false));
        isViolation((peer, request) -> hole(peer, request, -1, 8192, false));
    }

    @Test
    void partsThatComeTwiceOrNotAtAllEndTheConnection() throws Exception {
        isViolation(
                (peer, request) -> {
                    data(peer, request, 4096, 4096, false);
                    data(peer, request, 8191, 4096, true);
                });
        isViolation(
                (peer, request) -> {
                    data(peer, request, 8192, 4096, false);
                    hole(peer, request, 4096, 4097, true);
                });
        isViolation(
                (peer, request) -> {
                    hole(peer, request, 4096, 8192, false);
                    hole(peer, request, 5000, 1, true);
                });
        isViolation((peer, request) -> data(peer, request, 4096, 8191, true));
        isViolation((peer, request) -> data(peer, request, 4097, 8191, true));
        isViolation((peer, request) -> peer.header(request, Nbd.REPLY_TYPE_NONE, true, 0));
    }

    @Test
    void lengthsThatNobodyCanMeanAreNotReceived() throws Exception {
        long[] lengths = {0, 7, 8, 1L << 31, (1L << 32) - 1};
        int[] types = {
            Nbd.REPLY_TYPE_OFFSET_DATA,
            Nbd.REPLY_TYPE_OFFSET_HOLE,
            Nbd.REPLY_TYPE_BLOCK_STATUS,
            Nbd.REPLY_TYPE_BLOCK_STATUS_EXT,
            Nbd.REPLY_TYPE_ERROR,
            Nbd.REPLY_TYPE_ERROR_OFFSET,
            3,
            (1 << 15) + 77
        };
        for (int type : types) {
            for (long length : lengths) {
                Answer answer =
                        (peer, request) -> {
                            peer.header(request, type, true, length);
                            peer.out().write(new byte[64]);
                        };
                isViolation(answer);
            }
            for (long length : new long[] {1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
                isViolation(
                        EXTENDED,
                        (peer, request) -> {
                            peer.header(request, type, true, length);
                            peer.out().write(new byte[64]);
                        });
            }
        }
        isViolation((peer, request) -> peer.header(request, Nbd.REPLY_TYPE_NONE, true, 1));
        isViolation((peer, request) -> peer.header(request, Nbd.REPLY_TYPE_NONE, false, 0));
    }

    @Test
    void errorsWithTextsThatAreTooLongOrMissingEndTheConnection() throws Exception {
        isViolation((peer, request) -> error(peer, request, 5, 4097, 4097));
        isViolation((peer, request) -> error(peer, request, 5, 65535, 100));
        isViolation((peer, request) -> error(peer, request, 5, 101, 100));
        isViolation((peer, request) -> error(peer, request, 0, 0, 0));
    }

    private static void error(Peer peer, Request request, int errno, int claimed, int sent)
            throws IOException {
        peer.chunk(
                request,
                Nbd.REPLY_TYPE_ERROR,
                true,
                b -> {
                    b.writeInt(errno);
                    b.writeShort(claimed);
                    byte[] text = new byte[sent];
                    Arrays.fill(text, (byte) 'x');
                    b.write(text);
                });
    }

    // ---- errors, which are no fault of the connection

    @Test
    void anErrorIsTheRequestsAloneAndItsTextIsHarmless() throws Exception {
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, STRUCTURED);
                    Request first = peer.request();
                    data(peer, first, 4096, 100, false);
                    peer.chunk(
                            first,
                            Nbd.REPLY_TYPE_ERROR_OFFSET,
                            false,
                            b -> {
                                b.writeInt(28);
                                b.writeShort(4);
                                b.writeBytes("a\u001b[m");
                                b.writeLong(5000);
                            });
                    hole(peer, first, 5000, 1, true);
                    Request second = peer.request();
                    hole(peer, second, second.offset(), (int) second.length(), true);
                    peer.awaitEnd();
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(server)) {
            BlockException.Media failure =
                    assertThrows(
                            BlockException.Media.class, () -> TestBytes.read(disk, 4096, 8192));
            assertEquals(28, failure.errno());
            assertEquals(4096, failure.offset());
            assertEquals("No space left on device (a?[m)", failure.found());
            assertEquals(0, TestBytes.read(disk, 0, 512)[511]);
        }
    }

    @Test
    void anErrorOfAKindThatNobodyKnowsIsAnError() throws Exception {
        String why =
                readFails(
                        STRUCTURED,
                        false,
                        (peer, request) ->
                                peer.chunk(
                                        request,
                                        (1 << 15) + 99,
                                        true,
                                        b -> {
                                            b.writeInt(4711);
                                            b.writeShort(0);
                                            b.write(new byte[10]);
                                        }));
        assertEquals("Unknown error 4711", why);
    }

    // ---- a connection that ends anywhere

    private static final int CUTS_MAX = 4000;

    /** Serves a read and a status, as far as a cut lets it. */
    private void cutEverywhere(int form) throws IOException {
        int cut = 0;
        boolean whole = false;
        for (; !whole && cut < CUTS_MAX; cut++) {
            int bytes = cut;
            ScriptedNbd.Script script =
                    peer -> {
                        peer.cutAfter(bytes);
                        peer.agree(SIZE, 0, form);
                        Request request = peer.request();
                        if (form == 0) {
                            peer.simple(request, 0, new byte[16]);
                        } else {
                            data(peer, request, 0, 10, false);
                            hole(peer, request, 10, 6, true);
                        }
                        peer.awaitEnd();
                    };
            try (ScriptedNbd server = server(script)) {
                whole = isWhole(server);
            }
        }
        assertTrue(whole && cut > 100, cut + " bytes");
    }

    private static boolean isWhole(ScriptedNbd server) {
        try (StorageNode disk = open(server)) {
            return TestBytes.read(disk, 0, 16).length == 16;
        } catch (BlockException.Media _) {
            return false;
        }
    }

    @Test
    void aConnectionThatEndsAtAnyByteIsAnError() throws Exception {
        cutEverywhere(0);
        cutEverywhere(STRUCTURED);
        cutEverywhere(EXTENDED);
    }
}
