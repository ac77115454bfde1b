/**
 * The command line beside the programs it replaces: the same arguments to both, the same output.
 *
 * <p>Entry class: {@link dev.gaur.cli.Cli}, which runs our side. It shares the package with the
 * command line to reach the name it runs under. No locks.
 */
@NullMarked
package dev.gaur.cli;

import org.jspecify.annotations.NullMarked;
