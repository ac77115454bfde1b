/**
 * Nodes put together to what users hold: an image on its backing files.
 *
 * <p>Entry class: {@link dev.gaur.graph.ChainOpener}, which opens a {@link
 * dev.gaur.graph.BlockDevice}. No locks: a graph does not change once it is open.
 */
@NullMarked
package dev.gaur.graph;

import org.jspecify.annotations.NullMarked;
