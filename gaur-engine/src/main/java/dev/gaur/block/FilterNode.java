package dev.gaur.block;

/** Changes what passes between two nodes, or makes it up. */
public non-sealed interface FilterNode extends BlockNode {}
