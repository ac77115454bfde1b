package dev.gaur.verify.nbdclient;

import java.nio.file.Path;

/** nbdkit, which has all commands, with block status and chunks. */
class NbdkitMemoryTest extends ForeignContract {
    @Override
    ForeignServer server(Path where, long size) throws Exception {
        return ForeignServer.nbdkit(where, "memory", "size=" + size);
    }
}
