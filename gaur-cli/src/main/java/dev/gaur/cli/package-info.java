/**
 * The command line: one class per command.
 *
 * <p>Entry class: {@link dev.gaur.cli.Main}. No locks: one command runs per process.
 */
@NullMarked
package dev.gaur.cli;

import org.jspecify.annotations.NullMarked;
