package dev.gaur.filter;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.FilterNode;
import dev.gaur.block.ZeroMode;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A filter above an image, which it owns, that sometimes writes what it has just read: that must
 * not undo what somebody else writes in between. So requests share a lock, and that one has it
 * alone.
 */
abstract class ChangingFilter extends PassingNode<BlockNode> implements FilterNode {
    final Lock sharing;
    final Lock alone;

    ChangingFilter(BlockNode image) {
        super(image);
        ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
        sharing = lock.readLock();
        alone = lock.writeLock();
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        sharing.lock();
        try {
            below.zero(offset, length, mode, durability);
        } finally {
            sharing.unlock();
        }
    }

    @Override
    public void discard(long offset, long length) {
        sharing.lock();
        try {
            below.discard(offset, length);
        } finally {
            sharing.unlock();
        }
    }
}
