package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;

import dev.gaur.graph.OpenRequest;
import java.nio.file.Path;

/**
 * A writable qcow2 disk of 64 MiB on a server, for scripts; when it is closed QEMU must find
 * nothing wrong with it.
 *
 * @param image the file
 * @param served exports it without a name
 */
record ScriptedDisk(Path image, Served served) implements AutoCloseable {
    static ScriptedDisk in(Path folder) {
        Path image = folder.resolve("disk.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", image, "64M").ok();
        return new ScriptedDisk(image, Served.write(image, "qcow2"));
    }

    /** Runs a script that has connected to it. */
    void run(String script, Object... arguments) {
        Python.run(script, served.uri(), arguments);
    }

    /** Runs a script that connects itself. */
    void runAlone(String script, Object... arguments) {
        Python.runAlone(script, served.uri(), arguments);
    }

    /** Adds an export of another image. */
    void add(String name, Path other, OpenRequest request) {
        served.add(name, other, request);
    }

    @Override
    public void close() {
        served.close();
        qemuImg("check", image).ok();
    }
}
