package dev.gaur.storage.nbd;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Zeros;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import dev.gaur.sync.RangeLock;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * An export as storage. Takes any range: of a block of the server that is changed in part the rest
 * is read first, while nobody else changes it. Does what the server can; where it has no zeroing,
 * zeros are written, where it has no discard, nothing happens. Its length cannot be changed.
 *
 * <p>Safe for use by many threads. Closing ends requests that are on the way.
 */
final class NbdStorage implements StorageNode {
    private final NbdClient client;
    private final ExportInfo export;
    private final boolean writable;
    private final long block;
    private final RangeLock claims = new RangeLock();

    /**
     * @param client belongs to this from now on
     * @param writable for writing too, which the export must allow
     */
    NbdStorage(NbdClient client, boolean writable) {
        this.client = client;
        this.export = client.export();
        this.writable = writable;
        this.block = export.minimumBlock();
    }

    @Override
    public String name() {
        return client.name();
    }

    @Override
    public boolean writable() {
        return writable;
    }

    @Override
    public Limits limits() {
        return new Limits(1, 1, export.preferredBlock());
    }

    @Override
    public long length() {
        return export.size();
    }

    /** {@inheritDoc} The server does not tell. */
    @Override
    public long allocatedBytes() {
        return UNKNOWN;
    }

    private long down(long offset) {
        return offset & -block;
    }

    private long up(long offset) {
        return down(offset + block - 1);
    }

    // ---- reading

    @Override
    public void read(long offset, MemorySegment target) {
        long end = offset + target.byteSize();
        long from = Math.min(end, up(offset));
        long to = Math.max(from, down(end));
        if (offset < from) {
            readInBlock(offset, target.asSlice(0, from - offset));
        }
        client.read(from, target.asSlice(from - offset, to - from));
        if (to < end) {
            readInBlock(to, target.asSlice(to - offset));
        }
    }

    private void readInBlock(long offset, MemorySegment target) {
        MemorySegment whole = readBlock(down(offset));
        MemorySegment.copy(whole, offset - down(offset), target, 0, target.byteSize());
    }

    private MemorySegment readBlock(long offset) {
        MemorySegment whole = BufferPool.allocate(block);
        client.read(offset, whole);
        return whole;
    }

    // ---- changes

    /** A change of a range. */
    private interface Change {
        /** Changes whole blocks, with the request's flags. */
        void blocks(long offset, long length, int flags);

        /** Changes a part of what was read of a block. */
        void part(long offset, MemorySegment bytes);
    }

    /**
     * Changes a range: whole blocks as they are, those at the ends after they were read. Changes
     * that touch the same blocks exclude each other, unless blocks are single bytes.
     */
    private void change(long offset, long length, Durability durability, Change change) {
        checkWritable();
        if (length > export.size() - offset) {
            throw new BlockException.Media(
                    name(),
                    "write",
                    offset,
                    NbdErrors.text(NbdErrors.ENOSPC),
                    NbdErrors.ENOSPC,
                    null);
        }
        boolean stable = durability == Durability.STABLE;
        int flags = stable && export.has(Nbd.SEND_FUA) ? Nbd.CMD_FLAG_FUA : 0;
        if (block == 1) {
            change.blocks(offset, length, flags);
        } else {
            long from = down(offset);
            try (var _ = claims.claim(from, up(offset + length) - from)) {
                changeBlocks(offset, offset + length, flags, change);
            }
        }
        if (stable && flags == 0) {
            flush();
        }
    }

    private void changeBlocks(long offset, long end, int flags, Change change) {
        long from = Math.min(end, up(offset));
        long to = Math.max(from, down(end));
        if (offset < from) {
            changePart(offset, from, flags, change);
        }
        if (from < to) {
            change.blocks(from, to - from, flags);
        }
        if (to < end) {
            changePart(to, end, flags, change);
        }
    }

    private void changePart(long offset, long end, int flags, Change change) {
        long start = down(offset);
        MemorySegment bytes = readBlock(start);
        change.part(offset, bytes.asSlice(offset - start, end - offset));
        client.write(start, bytes, flags);
    }

    private void checkWritable() {
        if (!writable) {
            throw new BlockException.Denied(name(), "", "is read-only");
        }
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        change(
                offset,
                source.byteSize(),
                durability,
                new Change() {
                    @Override
                    public void blocks(long at, long length, int flags) {
                        client.write(at, source.asSlice(at - offset, length), flags);
                    }

                    @Override
                    public void part(long at, MemorySegment bytes) {
                        MemorySegment.copy(source, at - offset, bytes, 0, bytes.byteSize());
                    }
                });
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        int how = mode.unmaps() ? 0 : Nbd.CMD_FLAG_NO_HOLE;
        how |= mode.mayWrite() ? 0 : Nbd.CMD_FLAG_FAST_ZERO;
        zero(offset, length, mode, durability, how);
    }

    private void zero(long offset, long length, ZeroMode mode, Durability durability, int how) {
        boolean offered = export.has(Nbd.SEND_WRITE_ZEROES);
        if (!mode.mayWrite() && !(offered && export.has(Nbd.SEND_FAST_ZERO))) {
            checkWritable();
            throw noFastWay();
        }
        change(
                offset,
                length,
                durability,
                new Change() {
                    @Override
                    public void blocks(long at, long count, int flags) {
                        if (offered) {
                            zeroBlocks(at, count, flags | how);
                        } else {
                            writeZeros(at, count, flags);
                        }
                    }

                    @Override
                    public void part(long at, MemorySegment bytes) {
                        bytes.fill((byte) 0);
                    }
                });
    }

    private void zeroBlocks(long offset, long length, int flags) {
        try {
            client.zero(offset, length, flags);
        } catch (BlockException.Media failure) {
            boolean fast = (flags & Nbd.CMD_FLAG_FAST_ZERO) != 0;
            throw fast && failure.errno() == NbdErrors.ENOTSUP ? noFastWay() : failure;
        }
    }

    private BlockException.Unsupported noFastWay() {
        return new BlockException.Unsupported(
                name(), "write zeros", "the NBD server has no fast way");
    }

    private void writeZeros(long offset, long length, int flags) {
        MemorySegment zeros = Zeros.bytes();
        for (long done = 0, count; done < length; done += count) {
            count = Math.min(length - done, Zeros.SIZE);
            client.write(offset + done, zeros.asSlice(0, count), flags);
        }
    }

    @Override
    public void discard(long offset, long length) {
        checkWritable();
        long from = up(offset);
        long to = down(offset + Math.min(length, export.size() - offset));
        if (from < to && export.has(Nbd.SEND_TRIM)) {
            client.trim(from, to - from, 0);
        }
    }

    @Override
    public void flush() {
        if (writable && export.has(Nbd.SEND_FLUSH)) {
            client.flush();
        }
    }

    // ---- status

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        long end = offset + length;
        if (!export.contexts().contains(Nbd.BASE_ALLOCATION)) {
            if (length > 0) {
                visitor.visit(new Extent.Data(offset, length, 0, offset, false));
            }
            return;
        }
        for (long at = offset; at < end; ) {
            for (Extent each : ask(at, end)) {
                at = each.end();
                if (!visitor.visit(each)) {
                    return;
                }
            }
        }
    }

    /** Returns extents from {@code from} on, at least one. */
    private List<Extent> ask(long from, long end) {
        List<Extent> found = new ArrayList<>();
        long start = down(from);
        client.status(
                start,
                up(end) - start,
                0,
                (context, offset, length, state) -> {
                    long first = Math.max(from, offset);
                    long last = Math.min(end, offset + length);
                    if (first < last && context.equals(Nbd.BASE_ALLOCATION)) {
                        found.add(extent(first, last - first, state));
                    }
                });
        if (found.isEmpty()) { // Of this context nothing came: nothing is known.
            found.add(new Extent.Data(from, end - from, 0, from, false));
        }
        return found;
    }

    private static Extent extent(long offset, long length, long state) {
        boolean zero = (state & Nbd.STATE_ZERO) != 0;
        boolean hole = (state & Nbd.STATE_HOLE) != 0;
        return zero && hole
                ? new Extent.Zero(offset, length, 0, offset)
                : new Extent.Data(offset, length, 0, offset, zero);
    }

    // ---- life

    /**
     * {@inheritDoc}
     *
     * @throws BlockException.Media unless it is so long already: a server's disk stays as it is
     */
    @Override
    public void resize(long newLength) {
        checkWritable();
        if (newLength != export.size()) {
            throw new BlockException.Media(
                    name(),
                    "",
                    BlockException.NO_OFFSET,
                    "Cannot resize NBD nodes",
                    NbdErrors.ENOTSUP,
                    null);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
