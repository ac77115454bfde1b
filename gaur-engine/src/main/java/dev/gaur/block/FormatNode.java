package dev.gaur.block;

/** A virtual disk in an image format; {@code dev.gaur.format} has what formats offer beyond I/O. */
public non-sealed interface FormatNode extends BlockNode {}
