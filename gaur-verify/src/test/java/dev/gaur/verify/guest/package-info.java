/**
 * The server under what it is for: a real guest, a kernel with a file system whose disk it serves,
 * and minutes of everything at once.
 *
 * <p>Entry classes: {@link dev.gaur.verify.guest.GuestTest} and {@link
 * dev.gaur.verify.guest.SoakTest}. Servers are processes of their own. No locks.
 */
@NullMarked
package dev.gaur.verify.guest;

import org.jspecify.annotations.NullMarked;
