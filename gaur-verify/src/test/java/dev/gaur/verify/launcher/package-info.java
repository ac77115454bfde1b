/**
 * The scripts at the root of the tree: {@code gaur}, {@code verify} and what they use.
 *
 * <p>Entry classes: {@link dev.gaur.verify.launcher.LauncherTest} starts the real Gaur, {@link
 * dev.gaur.verify.launcher.LauncherScriptTest} shows the script's decisions with a JDK and a build
 * that are stand-ins. No locks.
 */
@NullMarked
package dev.gaur.verify.launcher;

import org.jspecify.annotations.NullMarked;
