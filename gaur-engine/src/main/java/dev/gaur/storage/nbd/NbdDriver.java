package dev.gaur.storage.nbd;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.StorageDriver;
import dev.gaur.storage.StorageOptions;

/**
 * Exports of NBD servers as storage. Locations are as {@link NbdAddress} reads them. There are no
 * locks: who else uses an export is the server's business.
 *
 * @param options how servers are used
 */
public record NbdDriver(ClientOptions options) implements StorageDriver {
    private static final int EACCES = 13;
    private static final int EINVAL = 22;

    /** The driver with {@link ClientOptions#DEFAULT}. */
    public static final NbdDriver DEFAULT = new NbdDriver(ClientOptions.DEFAULT);

    @Override
    public StorageNode open(String location, StorageOptions how) {
        return open(NbdAddress.parse(location), how);
    }

    /**
     * Opens an export.
     *
     * @throws BlockException.Media if it is not there, or is to be written to and does not allow it
     */
    public StorageNode open(NbdAddress address, StorageOptions how) {
        NbdClient client = NbdClient.connect(address, options);
        if (how.writable() && client.export().isReadOnly()) {
            client.close();
            throw refusal(client.name(), "Could not open image: Permission denied", EACCES);
        }
        return new NbdStorage(client, how.writable());
    }

    private static BlockException.Media refusal(String name, String text, int errno) {
        return new BlockException.Media(name, "", BlockException.NO_OFFSET, text, errno, null);
    }

    /**
     * {@inheritDoc} Servers' disks are there already: this opens one that is long enough, and
     * leaves what it holds.
     */
    @Override
    public StorageNode create(String location, long length, StorageOptions how) {
        StorageNode opened = open(location, how.withWritable(true));
        if (opened.length() < length) {
            opened.close();
            throw refusal(opened.name(), "Cannot grow NBD nodes", EINVAL);
        }
        return opened;
    }
}
