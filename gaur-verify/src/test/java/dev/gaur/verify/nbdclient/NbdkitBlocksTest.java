package dev.gaur.verify.nbdclient;

import java.nio.file.Path;

/** A server that takes whole blocks of 4096 bytes only, and at most 64 KiB. */
class NbdkitBlocksTest extends ForeignContract {
    @Override
    ForeignServer server(Path where, long size) throws Exception {
        return ForeignServer.nbdkit(
                where,
                "--filter=blocksize-policy",
                "memory",
                "size=" + size,
                "blocksize-error-policy=error",
                "blocksize-minimum=4096",
                "blocksize-preferred=4096",
                "blocksize-maximum=65536");
    }
}
