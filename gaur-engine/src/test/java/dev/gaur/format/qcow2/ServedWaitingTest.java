package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdClient;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server's clients may rely on while the data cache is full. */
class ServedWaitingTest {
    private static final long CACHE = 4L * CLUSTER;

    private final Random random = new Random(1);

    private void write(NbdClient client, CowDisk disk, int at, int flags) {
        byte[] bytes = new byte[PIECE];
        random.nextBytes(bytes);
        client.write(at, MemorySegment.ofArray(bytes), flags);
        System.arraycopy(bytes, 0, disk.model, at, PIECE);
    }

    /** What is left of the disk if the server dies now. */
    private static byte[] left(CowDisk disk) {
        MemoryStorage left = Kinds.copy(disk.file);
        Repair.onOpen(left, HeaderCodec.read(left));
        assertEquals(List.of(), Kinds.damage(left));
        KeepOpen storage = new KeepOpen(left, false);
        try (Image image = Qcow2Format.INSTANCE.open(storage, FormatOptions.DEFAULT, disk)) {
            return TestBytes.readArray(image, 0, SIZE);
        }
    }

    private static void assertLeft(CowDisk disk, int cluster) {
        int from = cluster * CLUSTER;
        assertArrayEquals(
                Arrays.copyOfRange(disk.model, from, from + CLUSTER),
                Arrays.copyOfRange(left(disk), from, from + CLUSTER));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aForcedWriteIsInTheFileWhenItIsAnswered(boolean journal, @TempDir Path folder)
            throws IOException {
        CowDisk disk = new CowDisk(Qcow2CreateOptions.ofSize(SIZE).withJournal(journal), CACHE);
        try (NbdServer server = new NbdServer(ServerOptions.DEFAULT)) {
            server.add(Export.of("disk", disk.image).withWritable(true));
            Endpoint endpoint = server.listen(new Endpoint.Unix(folder.resolve("socket")));
            NbdAddress address = new NbdAddress(endpoint, "disk", false);
            try (NbdClient client = NbdClient.connect(address, ClientOptions.DEFAULT);
                    NbdClient other = NbdClient.connect(address, ClientOptions.DEFAULT)) {
                for (int i = 0; i < 12; i += 2) {
                    write(client, disk, i * CLUSTER + 100, 0);
                }
                assertEquals(CACHE, disk.held());
                write(other, disk, 20 * CLUSTER, Nbd.CMD_FLAG_FUA); // Where nothing waits.
                assertLeft(disk, 20);
                assertEquals(CACHE, disk.held());
                write(other, disk, 10 * CLUSTER + 2 * PIECE, Nbd.CMD_FLAG_FUA);
                assertLeft(disk, 10); // With what waited there.
                other.flush();
                assertArrayEquals(disk.model, left(disk)); // Others' writes, too.
                write(client, disk, 30 * CLUSTER + 100, 0);
            }
        }
        assertArrayEquals(disk.model, left(disk)); // Nothing waits when a server has ended.
        disk.close();
    }
}
