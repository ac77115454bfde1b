package dev.gaur.verify.nbdclient;

import java.nio.file.Path;

/** A server that has neither chunks nor zeroing. */
class NbdkitPlainTest extends ForeignContract {
    @Override
    ForeignServer server(Path where, long size) throws Exception {
        return ForeignServer.nbdkit(where, "--no-sr", "--filter=nozero", "memory", "size=" + size);
    }
}
