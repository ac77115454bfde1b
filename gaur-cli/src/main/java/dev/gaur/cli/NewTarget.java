package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.graph.Locations;
import dev.gaur.job.NewFile;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdDriver;

/** What a command makes: a file, or what takes the place of all that a server's disk holds. */
final class NewTarget {
    private NewTarget() {}

    /** Tells whether a name is one that a new image can have. */
    static void check(String name) {
        if (!NbdAddress.isAddress(name)) {
            Locations.ofUser(name); // Has no other driver's name.
        }
    }

    /**
     * Begins a target.
     *
     * @param files makes it if it is a file
     * @param name as the user gave it
     * @param length bytes that it has to have from the beginning
     * @throws CommandException with QEMU's words, without those that say what was being done
     */
    static NewFile begin(StorageDriver files, String name, StorageOptions how, long length) {
        try {
            if (NbdAddress.isAddress(name)) {
                return NewFile.over(server(name, how, length));
            }
            return NewFile.begin(files, Locations.ofUser(name), how);
        } catch (BlockException.Busy failure) {
            throw new CommandException(failure.found());
        } catch (BlockException.Media failure) {
            throw new CommandException("Could not create '" + name + "': " + failure.found());
        }
    }

    private static StorageNode server(String name, StorageOptions how, long length) {
        StorageNode disk;
        try {
            disk = NbdDriver.DEFAULT.open(name, how);
        } catch (BlockException failure) {
            throw new CommandException(
                    "Protocol driver 'nbd' does not support image creation, and opening the image"
                            + " failed: "
                            + ErrorText.whyNotOpen(failure));
        }
        if (disk.length() < length) {
            disk.close();
            throw new CommandException("Cannot grow NBD nodes");
        }
        return disk;
    }
}
