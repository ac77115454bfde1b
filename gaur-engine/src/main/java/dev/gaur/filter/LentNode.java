package dev.gaur.filter;

import dev.gaur.block.BlockNode;
import dev.gaur.block.FilterNode;

/** A node for somebody who closes what he was given, although it stays somebody else's. */
public final class LentNode extends PassingNode<BlockNode> implements FilterNode {
    /** Lends {@code node}; closing this leaves it open. */
    public LentNode(BlockNode node) {
        super(node);
    }

    @Override
    public void close() {
        // Its owner does that.
    }
}
