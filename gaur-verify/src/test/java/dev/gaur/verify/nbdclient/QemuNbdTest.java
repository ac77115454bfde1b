package dev.gaur.verify.nbdclient;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** qemu-nbd over a sparse file. */
class QemuNbdTest extends ForeignContract {
    @Override
    ForeignServer server(Path where, long size) throws Exception {
        Path file = Files.createTempFile(where, "disk", ".raw");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(size);
        }
        return ForeignServer.qemuNbd(where, "-f", "raw", "--discard=unmap", file.toString());
    }
}
