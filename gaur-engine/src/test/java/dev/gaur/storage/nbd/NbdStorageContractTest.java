package dev.gaur.storage.nbd;

import dev.gaur.block.StorageNode;
import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageContract;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** A disk that our own server has in memory. */
class NbdStorageContractTest extends StorageContract {
    private final NbdServer server = new NbdServer(ServerOptions.DEFAULT);
    private int exports;

    @TempDir Path folder = Path.of("");

    @Override
    protected StorageNode storage(long length) throws Exception {
        String name = "disk" + exports++;
        Endpoint socket = new Endpoint.Unix(folder.resolve(name));
        server.add(Export.of(name, new MemoryStorage(name, length)).withWritable(true));
        server.listen(socket);
        return NbdDriver.DEFAULT.open(new NbdAddress(socket, name, false), StorageOptions.WRITE);
    }

    @AfterEach
    void stop() {
        server.close();
    }
}
