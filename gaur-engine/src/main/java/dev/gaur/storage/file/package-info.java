/**
 * Files and block devices of this machine, with QEMU's locks.
 *
 * <p>Entry class: {@link dev.gaur.storage.file.FileDriver}. Two ways lead to a file: system calls
 * ({@code NativeStorage}), and Java's {@code FileChannel} ({@code ChannelStorage}), which every
 * system has and which costs nothing to start. Both take the same locks ({@code Claim}).
 *
 * <p>Locks inside the process: the registry of channels in {@code SharedFile} has a monitor, held
 * while a file is opened, closed or locked, never while data moves. A file that is open with
 * O_DIRECT has a lock ({@code DirectIo}) that writers of whole blocks share; who has to complete a
 * block has it alone.
 */
@NullMarked
package dev.gaur.storage.file;

import org.jspecify.annotations.NullMarked;
