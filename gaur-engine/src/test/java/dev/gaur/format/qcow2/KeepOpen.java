package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import dev.gaur.testkit.StorageWrapper;

/** Storage that an image does not close: the test looks at what it left. */
final class KeepOpen extends StorageWrapper {
    private final boolean writable;

    /**
     * @param writable what it says of itself
     */
    KeepOpen(StorageNode real, boolean writable) {
        super(real);
        this.writable = writable;
    }

    @Override
    public boolean writable() {
        return writable;
    }
}
