/**
 * The servers as users start them: through the launcher, with other people's clients.
 *
 * <p>Entry class: {@code Server}, which runs one in the background.
 */
@NullMarked
package dev.gaur.verify.serve;

import org.jspecify.annotations.NullMarked;
