package dev.gaur.storage.nbd;

import dev.gaur.block.StorageNode;
import dev.gaur.storage.StorageOptions;
import dev.gaur.testkit.ScriptedNbd;
import dev.gaur.testkit.ScriptedNbd.Peer;
import dev.gaur.testkit.ScriptedNbd.Request;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** What tests of servers that do wrong have in common: servers, and disks on them. */
abstract class HostileServers {
    static final long SIZE = 1 << 20;
    static final int STRUCTURED = 1;
    static final int EXTENDED = 2;

    @TempDir Path folder = Path.of("");

    private int servers;

    /** What is done with one connection, or with one request. */
    @FunctionalInterface
    interface Answer {
        void to(Peer peer, Request request) throws IOException;
    }

    ScriptedNbd server(ScriptedNbd.Script script) throws IOException {
        return ScriptedNbd.start(folder.resolve("s" + servers++), script);
    }

    static StorageNode open(ScriptedNbd server, ClientOptions options) {
        NbdAddress address = new NbdAddress(server.endpoint(), "x", false);
        return new NbdDriver(options).open(address, StorageOptions.READ);
    }

    static StorageNode open(ScriptedNbd server) {
        return open(server, ClientOptions.DEFAULT.withConnections(1));
    }
}
