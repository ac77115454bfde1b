package dev.gaur.verify.nbdclient;

import dev.gaur.block.StorageNode;
import dev.gaur.filter.SlicedStorage;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.nbd.NbdDriver;
import dev.gaur.testkit.StorageContract;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** What storage promises, with a server of somebody else behind it. */
abstract class ForeignContract extends StorageContract {
    /** Servers have whole blocks, of which the contract uses a part. */
    private static final long BLOCK = 4096;

    private final List<ForeignServer> servers = new ArrayList<>();

    @TempDir Path folder = Path.of("");

    /** Starts a server for a new disk of zeros. */
    abstract ForeignServer server(Path where, long size) throws Exception;

    @Override
    protected StorageNode storage(long length) throws Exception {
        ForeignServer server = server(folder, Math.ceilDiv(length, BLOCK) * BLOCK);
        servers.add(server);
        StorageNode disk = NbdDriver.DEFAULT.open(server.address(), StorageOptions.WRITE);
        return new SlicedStorage(disk, 0, length);
    }

    @AfterEach
    void stop() {
        servers.forEach(ForeignServer::close);
    }
}
