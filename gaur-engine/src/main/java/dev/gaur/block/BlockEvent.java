package dev.gaur.block;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A place in the work of an image format, named so that tests can fail or stop a request there.
 * Whoever reaches one tells the storage it is about to use ({@link StorageNode#event}), before the
 * request that the name speaks of. The names are QEMU's.
 *
 * <p>A format tells them at its own steps. Gaur's qcow2 has the order of writes of ADR 7: counts,
 * tables and L1 table are changed in memory and reach the file with the next flush, or when much
 * has changed, where QEMU writes some of them at once. What that means for an event it says below.
 */
public enum BlockEvent {
    /** Opening: rules without an event are in force from here on. */
    NONE("none"),

    /** Before an entry of the active L1 table is written; in Gaur's qcow2 by a flush. */
    L1_UPDATE("l1_update"),
    /** Before place for a larger L1 table is allocated. */
    L1_GROW_ALLOC_TABLE("l1_grow_alloc_table"),
    /** Before the larger L1 table is written. */
    L1_GROW_WRITE_TABLE("l1_grow_write_table"),
    /** Before the header is made to point to the larger L1 table. */
    L1_GROW_ACTIVATE_TABLE("l1_grow_activate_table"),
    /**
     * Before entries are cut off the L1 table; in Gaur's qcow2, before a shorter table is written,
     * to another place.
     */
    L1_SHRINK_WRITE_TABLE("l1_shrink_write_table"),
    /** Before the L2 tables behind the new end are freed. */
    L1_SHRINK_FREE_L2_CLUSTERS("l1_shrink_free_l2_clusters"),

    /** Before an L2 table, or a part of one, is read that is not in memory. */
    L2_LOAD("l2_load"),
    /** Before a changed part of an L2 table is written. */
    L2_UPDATE("l2_update"),
    /** Before the entry of a compressed cluster is changed. */
    L2_UPDATE_COMPRESSED("l2_update_compressed"),
    /** Before a shared L2 table is read to be copied. */
    L2_ALLOC_COW_READ("l2_alloc_cow_read"),
    /**
     * Before a new L2 table is written. Gaur's qcow2 writes only copies and what was not zeros
     * before, and takes the place of a table after that of the data.
     */
    L2_ALLOC_WRITE("l2_alloc_write"),

    /** Before guest data is read from the image's file. */
    READ_AIO("read_aio"),
    /** Before guest data is read from the backing file, if there is one. */
    READ_BACKING_AIO("read_backing_aio"),
    /**
     * Before a compressed cluster is read. Gaur's qcow2 reads several that lie together at once,
     * and keeps some.
     */
    READ_COMPRESSED("read_compressed"),
    /** Before guest data is written. */
    WRITE_AIO("write_aio"),
    /** Before a compressed cluster is written. */
    WRITE_COMPRESSED("write_compressed"),
    /** Before VM state is read. */
    VMSTATE_LOAD("vmstate_load"),
    /** Before VM state is written. */
    VMSTATE_SAVE("vmstate_save"),
    /** Before head or tail of a cluster is read that a write does not fill. */
    COW_READ("cow_read"),
    /** Before head and tail are written to their new place; the guest's data goes with them. */
    COW_WRITE("cow_write"),
    /** Before data of a backing file is written to the image for a read. */
    COR_WRITE("cor_write"),

    /** Before the refcount table is read; in Gaur's qcow2 not before the first change. */
    REFTABLE_LOAD("reftable_load"),
    /** Before the refcount table grows. */
    REFTABLE_GROW("reftable_grow"),
    /** Before entries of the refcount table are written but for those of new blocks. */
    REFTABLE_UPDATE("reftable_update"),
    /** Before a refcount block is read; QEMU tells it also if the block is in memory. */
    REFBLOCK_LOAD("refblock_load"),
    /** Before a whole refcount block is written anew. */
    REFBLOCK_UPDATE("refblock_update"),
    /** Before a changed part of a refcount block is written; in Gaur's qcow2 by a flush. */
    REFBLOCK_UPDATE_PART("refblock_update_part"),
    /**
     * When a new refcount block is made. QEMU tells it at any change of a count, before it looks
     * whether there is a block.
     */
    REFBLOCK_ALLOC("refblock_alloc"),
    /** Before the refcount table is made to point to a new block. */
    REFBLOCK_ALLOC_HOOKUP("refblock_alloc_hookup"),
    /** Before a new refcount block is written. */
    REFBLOCK_ALLOC_WRITE("refblock_alloc_write"),
    /** Before the blocks are written that come with a larger refcount table. */
    REFBLOCK_ALLOC_WRITE_BLOCKS("refblock_alloc_write_blocks"),
    /** Before the larger refcount table is written. */
    REFBLOCK_ALLOC_WRITE_TABLE("refblock_alloc_write_table"),
    /** Before the header is made to point to the larger refcount table. */
    REFBLOCK_ALLOC_SWITCH_TABLE("refblock_alloc_switch_table"),

    /** Before clusters are allocated. */
    CLUSTER_ALLOC("cluster_alloc"),
    /** Before bytes for a compressed cluster are allocated. */
    CLUSTER_ALLOC_BYTES("cluster_alloc_bytes"),
    /** Before clusters are freed; in Gaur's qcow2 after a flush, when nothing leads to them. */
    CLUSTER_FREE("cluster_free"),
    /**
     * Before a write to new clusters whose rest is to read as zeros. QEMU makes the clusters zero
     * then, Gaur's qcow2 only if they were somebody else's before.
     */
    CLUSTER_ALLOC_SPACE("cluster_alloc_space"),

    /** Before the caches of tables are handed to the file. */
    FLUSH_TO_OS("flush_to_os"),
    /** Before the file is made stable for the user's flush. */
    FLUSH_TO_DISK("flush_to_disk"),

    /** Before the head of a write that is not aligned is read. */
    PWRITEV_RMW_HEAD("pwritev_rmw_head"),
    /** After that. */
    PWRITEV_RMW_AFTER_HEAD("pwritev_rmw_after_head"),
    /** Before the tail of a write that is not aligned is read. */
    PWRITEV_RMW_TAIL("pwritev_rmw_tail"),
    /** After that. */
    PWRITEV_RMW_AFTER_TAIL("pwritev_rmw_after_tail"),
    /** Before storage is written to: raised by the storage itself. */
    PWRITEV("pwritev"),
    /** Before storage is made zero: raised by the storage itself. */
    PWRITEV_ZERO("pwritev_zero"),
    /** After a write or zeros, whether they succeeded or not: raised by the storage itself. */
    PWRITEV_DONE("pwritev_done"),

    /** Before an image is emptied. */
    EMPTY_IMAGE_PREPARE("empty_image_prepare");

    private static final Map<String, BlockEvent> BY_TEXT = new HashMap<>();

    static {
        for (BlockEvent event : values()) {
            BY_TEXT.put(event.text, event);
        }
    }

    private final String text;

    BlockEvent(String text) {
        this.text = text;
    }

    /** Returns QEMU's name for it. */
    public String text() {
        return text;
    }

    /** Finds an event by QEMU's name for it. */
    public static Optional<BlockEvent> named(String text) {
        return Optional.ofNullable(BY_TEXT.get(text));
    }
}
