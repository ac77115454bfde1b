package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Preallocation;
import dev.gaur.mem.Zeros;
import java.lang.foreign.MemorySegment;

/** Sets aside, in the way that was asked for, what clusters without content take up in a file. */
final class ReservedSpace {
    private ReservedSpace() {}

    /**
     * Makes a range of a file take up space; it reads as zeros then.
     *
     * @param how {@link Preallocation#OFF} and {@link Preallocation#METADATA} do nothing: the file
     *     has a hole there, or ends before it
     */
    static void fill(StorageNode file, Preallocation how, long hostOffset, long length) {
        switch (how) {
            case OFF, METADATA -> {
                // The file is as long as needed when all is done.
            }
            case FALLOC -> file.zero(hostOffset, length, ZeroMode.KEEP, Durability.CACHED);
            case FULL -> {
                MemorySegment zeros = Zeros.bytes();
                for (long at = 0; at < length; at += Zeros.SIZE) {
                    long size = Math.min(Zeros.SIZE, length - at);
                    file.write(hostOffset + at, zeros.asSlice(0, size), Durability.CACHED);
                }
            }
        }
    }
}
