package dev.gaur.export;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A server for each test, which serves good clients when the bad ones are done. */
abstract class WithTestServer {
    @TempDir Path folder = Path.of("");
    TestServer server;

    /** How the server treats its clients. */
    abstract ServerOptions options();

    @BeforeEach
    void serve() throws IOException {
        server = new TestServer(folder, options());
    }

    @AfterEach
    void end() throws IOException {
        server.assertServes();
        server.close();
    }
}
