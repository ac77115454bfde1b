/**
 * The command line: one class per command.
 *
 * <p>Entry class: {@link dev.gaur.cli.Main}. To add a command, write a class {@code XxxCommand}
 * that implements {@code Command}, and name it in the table of {@code Commands}; {@code MapCommand}
 * is a good example. A command
 *
 * <ul>
 *   <li>lists its options as constants of {@code Option} (shared ones are in {@code Options}) and
 *       asks its {@code Invocation} for what was given; parsing and {@code --help} are done for it;
 *   <li>prints results on {@code Invocation.out()} and nothing on {@code System.out};
 *   <li>ends with an exit code, or with a {@code CommandException} that has the message; {@code
 *       CommandException.usage} adds the hint at the help;
 *   <li>lets a {@code BlockException} of the engine pass, or turns it into {@code Could not open
 *       'x': ...} with {@code ErrorText.cannotOpen}.
 * </ul>
 *
 * <p>Start-up counts here: no reflection, no regular expressions, no {@code String.format}, and no
 * class that the command at hand does not need.
 *
 * <p>No locks, but for the display of progress, which many threads may update: one command runs per
 * process.
 */
@NullMarked
package dev.gaur.cli;

import org.jspecify.annotations.NullMarked;
