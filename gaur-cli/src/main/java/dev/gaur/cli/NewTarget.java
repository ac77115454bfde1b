package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.graph.Credentials;
import dev.gaur.graph.Locations;
import dev.gaur.job.NewFile;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdDriver;
import java.util.Optional;

/** What a command makes: a file, or what takes the place of all that a server's disk holds. */
final class NewTarget {
    private final Credentials credentials;

    private NewTarget(Credentials credentials) {
        this.credentials = credentials;
    }

    /** Takes credentials for servers whose URI asks for TLS. */
    static NewTarget of(Credentials credentials) {
        return new NewTarget(credentials);
    }

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
    NewFile begin(StorageDriver files, String name, StorageOptions how, long length) {
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

    private StorageNode server(String name, StorageOptions how, long length) {
        StorageNode disk;
        try {
            disk = driver(NbdAddress.parse(name)).open(name, how);
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

    private NbdDriver driver(NbdAddress address) {
        return address.tls()
                ? new NbdDriver(
                        ClientOptions.DEFAULT.withSecurity(
                                Optional.of(credentials.forClient("", address.host()))))
                : NbdDriver.DEFAULT;
    }
}
