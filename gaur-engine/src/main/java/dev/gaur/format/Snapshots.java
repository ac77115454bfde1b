package dev.gaur.format;

import java.util.List;

/**
 * The internal snapshots of an image opened for writing. Each call blocks; requests to the image
 * wait while it runs. When a call returned its effect is stable; when it failed, or the machine
 * died, the image is as before, but for space that may be lost until a repair.
 */
public interface Snapshots {
    /** Returns all, in the image's order. */
    List<SnapshotInfo> list();

    /**
     * Takes a snapshot of the disk as it is now.
     *
     * @param wish what it is to be called and when it was taken; its id is chosen here (the highest
     *     there is, plus one), and so is the disk's size. VM state is not saved: its size must be 0
     * @return what was stored
     * @throws dev.gaur.block.BlockException.Unsupported if the image can have none
     */
    SnapshotInfo create(SnapshotInfo wish);

    /**
     * Makes the disk what it was, its size included; the snapshot stays.
     *
     * @param idOrName the id, else the name; the first of several
     * @throws dev.gaur.block.BlockException.Unsupported if the size is another one and a dirty
     *     bitmap cannot be fitted to it
     */
    void apply(String idOrName);

    /**
     * Removes a snapshot.
     *
     * @param id its id, as {@link #list} has it
     */
    void delete(String id);
}
