package dev.gaur.verify.bitmap;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.verify.Peers;
import java.nio.file.Path;

/** Reads a bitmap as a backup program does: from qemu-nbd, by libnbd. */
final class QemuBitmaps {
    private QemuBitmaps() {}

    static DirtyBitmap read(Path file, String name, long size, long granularity) {
        Peers.Result map =
                Peers.run(
                        "nbdinfo",
                        "--map=qemu:dirty-bitmap:" + name,
                        "--",
                        "[",
                        "qemu-nbd",
                        "-r",
                        "-f",
                        "qcow2",
                        "-B",
                        name,
                        file,
                        "]");
        DirtyBitmap bits = new DirtyBitmap(size, granularity);
        for (String line : map.ok().out().lines().toList()) {
            String[] columns = line.strip().split(" +");
            if (columns[2].equals("1")) {
                bits.set(Long.parseLong(columns[0]), Long.parseLong(columns[1]));
            }
        }
        return bits;
    }
}
