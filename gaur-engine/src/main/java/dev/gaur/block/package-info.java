/**
 * The waist: seven data operations that a file, an image, a filter and a device all have, and
 * everything else is built of.
 *
 * <p>Entry class: {@link dev.gaur.block.BlockIo}. {@link dev.gaur.block.BlockNode} adds a name and
 * a life; {@link dev.gaur.block.BlockException} is how every node fails. The package holds no
 * locks.
 */
@NullMarked
package dev.gaur.block;

import org.jspecify.annotations.NullMarked;
