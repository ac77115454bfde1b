package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdClient;
import dev.gaur.testkit.FullDisk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server's clients hear of writes that it has acknowledged, when the disk is full. */
class ServedFullDiskTest {
    private static final int ENOSPC = 28;

    private static int errno(Runnable request) {
        return assertThrows(BlockException.Media.class, request::run).errno();
    }

    @Test
    void everyFlushFailsUntilThereIsSpaceAndSoDoesTheServer(@TempDir Path folder)
            throws IOException {
        CowDisk disk = new CowDisk(FormatOptions.AUTO);
        FullDisk full = new FullDisk(disk.file);
        disk.reopen(full, FormatOptions.AUTO);
        NbdServer server = new NbdServer(ServerOptions.DEFAULT);
        server.add(Export.of("disk", disk.image).withWritable(true));
        Endpoint endpoint = server.listen(new Endpoint.Unix(folder.resolve("socket")));
        NbdAddress address = new NbdAddress(endpoint, "disk", false);
        try (NbdClient client = NbdClient.connect(address, ClientOptions.DEFAULT)) {
            MemorySegment piece = MemorySegment.ofArray(new byte[PIECE]);
            client.write(CLUSTER, piece, 0);
            Arrays.fill(disk.model, CLUSTER, CLUSTER + PIECE, (byte) 0);
            assertEquals(ENOSPC, errno(client::flush));
            assertEquals(ENOSPC, errno(client::flush));
            assertEquals(ENOSPC, errno(() -> client.write(8 * CLUSTER, piece, Nbd.CMD_FLAG_FUA)));
        }
        try (NbdClient another = NbdClient.connect(address, ClientOptions.DEFAULT)) {
            assertEquals(ENOSPC, errno(another::flush)); // The first one has gone.
        }
        assertEquals(ENOSPC, errno(server::close));
        disk.assertReads();
        full.grow(8L << 20);
        disk.close();
    }
}
