package dev.gaur.verify.nbdclient;

import java.nio.file.Path;

/** A server whose answers come late, and in another order. */
class NbdkitDelayTest extends ForeignContract {
    @Override
    ForeignServer server(Path where, long size) throws Exception {
        return ForeignServer.nbdkit(
                where, "--filter=delay", "memory", "size=" + size, "delay-read=1ms");
    }
}
