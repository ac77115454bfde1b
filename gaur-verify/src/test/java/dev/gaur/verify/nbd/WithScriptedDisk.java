package dev.gaur.verify.nbd;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** A served disk for each test; QEMU must find nothing wrong with its image afterwards. */
abstract class WithScriptedDisk {
    final Path folder;
    final ScriptedDisk disk;

    WithScriptedDisk(@TempDir Path folder) {
        this.folder = folder;
        this.disk = ScriptedDisk.in(folder);
    }

    @AfterEach
    void imageIsIntact() {
        disk.close();
    }
}
