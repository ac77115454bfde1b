package dev.gaur.storage.file;

import dev.gaur.block.BlockException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A file that this process has open through {@link FileChannel}, once for all its users.
 *
 * <p>Java takes POSIX's locks, which have two oddities. The process loses all its locks on a file
 * when it closes any channel on it: so channels are shared, and closed only with the last user. And
 * a process never stands in its own way: so conflicts between users are found here. (Whoever else
 * in the process opens and closes the file behind our back still drops the locks.)
 *
 * <p>A thread that is interrupted while it uses a channel closes it; {@link User#channel} then
 * opens it anew and takes the locks again.
 */
final class SharedFile {
    /** All of this process; also the monitor for what is in them. */
    private static final Map<Object, SharedFile> OPEN = new HashMap<>();

    private final Path path;
    private final FileIdentity identity;
    private final List<User> users = new ArrayList<>();
    private final Map<Long, FileLock> locks = new TreeMap<>();
    private @Nullable FileChannel reader;
    private @Nullable FileChannel writer;

    private SharedFile(Path path, FileIdentity identity) {
        this.path = path;
        this.identity = identity;
    }

    /** One opening of the file. Safe for use by many threads. */
    final class User {
        private final String name;
        private final boolean writable;
        private Claim claim = Claim.NOTHING;
        private volatile @Nullable FileChannel channel;
        private volatile boolean closed;

        private User(String name, boolean writable) {
            this.name = name;
            this.writable = writable;
        }

        /**
         * The channel to use now. Ask again after it turned out to be closed.
         *
         * @throws BlockException.Denied if this user is closed
         */
        FileChannel channel() throws IOException {
            FileChannel current = channel;
            return current != null && current.isOpen() ? current : renewed();
        }

        private FileChannel renewed() throws IOException {
            synchronized (OPEN) {
                if (closed) {
                    throw FileErrors.closed(name);
                }
                FileChannel open = open(writable);
                channel = open;
                return open;
            }
        }

        /** Claims more than before. */
        void claim(Claim wanted) throws IOException {
            synchronized (OPEN) {
                for (User other : users) {
                    if (other != this && wanted.conflictsWith(other.claim)) {
                        throw Claim.busy(name, firstConflict(wanted, other.claim), "This process");
                    }
                }
                claim = wanted;
                lock(name, wanted);
            }
        }

        void close() {
            synchronized (OPEN) {
                if (!closed) {
                    closed = true;
                    users.remove(this);
                    unlock();
                    closeIfUnused();
                }
            }
        }
    }

    /**
     * Opens a file.
     *
     * @param identity what was found at the path
     * @param name for messages
     */
    static User open(Path path, FileIdentity identity, String name, boolean writable, Claim claim)
            throws IOException {
        synchronized (OPEN) {
            SharedFile file =
                    OPEN.computeIfAbsent(identity.key(), _ -> new SharedFile(path, identity));
            User user = file.new User(name, writable);
            file.users.add(user);
            try {
                user.channel();
                user.claim(claim);
                return user;
            } catch (IOException | RuntimeException failure) {
                user.close();
                throw failure;
            }
        }
    }

    private FileChannel open(boolean writable) throws IOException {
        FileChannel current = writable ? writer : reader;
        if (current != null && current.isOpen()) {
            return current;
        }
        FileChannel opened =
                FileChannel.open(
                        path,
                        writable
                                ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
                                : Set.of(StandardOpenOption.READ));
        if (!FileIdentity.of(path).key().equals(identity.key())) {
            opened.close();
            throw new IOException("Stale file handle: another file has taken the name");
        }
        if (writable) {
            writer = opened;
        } else {
            reader = opened;
        }
        if (current != null) {
            relock(opened); // Closing the one before has dropped every lock.
        }
        return opened;
    }

    private static long firstConflict(Claim wanted, Claim other) {
        Set<Long> held = new HashSet<>();
        for (long lockByte : other.held()) {
            held.add(lockByte);
        }
        for (long lockByte : wanted.refused()) {
            if (held.contains(lockByte)) {
                return lockByte;
            }
        }
        throw new AssertionError(wanted + " does not conflict with " + other);
    }

    private void lock(String name, Claim claim) throws IOException {
        for (long lockByte : claim.held()) {
            if (!locks.containsKey(lockByte) && !lock(lockByte)) {
                throw busy(name, lockByte);
            }
        }
        long taken = LockHolders.heldByOthers(identity.inode(), claim.refused());
        if (taken >= 0) {
            throw busy(name, taken);
        }
    }

    private BlockException.Busy busy(String name, long lockByte) {
        return Claim.busy(name, lockByte, LockHolders.describe(identity.inode(), lockByte));
    }

    /** Takes a read lock; false if somebody has a write lock there. */
    private boolean lock(long lockByte) throws IOException {
        FileChannel channel = writer != null && writer.isOpen() ? writer : reader;
        try {
            FileLock lock = channel == null ? null : channel.tryLock(lockByte, 1, true);
            if (lock == null) {
                return false;
            }
            locks.put(lockByte, lock);
            return true;
        } catch (OverlappingFileLockException _) {
            return false; // Other code of this process.
        }
    }

    private void relock(FileChannel channel) throws IOException {
        for (Map.Entry<Long, FileLock> entry : locks.entrySet()) {
            if (entry.getValue().isValid()) {
                entry.getValue().release();
            }
            FileLock lock = channel.tryLock(entry.getKey(), 1, true);
            if (lock == null) {
                throw busy(path.toString(), entry.getKey());
            }
            entry.setValue(lock);
        }
    }

    /** Releases what no user claims any more. */
    private void unlock() {
        locks.entrySet().removeIf(entry -> !isClaimed(entry.getKey()) && release(entry.getValue()));
    }

    private boolean isClaimed(long lockByte) {
        for (User user : users) {
            for (long held : user.claim.held()) {
                if (held == lockByte) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean release(FileLock lock) {
        try {
            if (lock.isValid()) {
                lock.release();
            }
        } catch (IOException _) {
            // The channel is being closed, and that releases it as well.
        }
        return true;
    }

    private void closeIfUnused() {
        if (users.isEmpty()) {
            OPEN.remove(identity.key());
            close(reader);
            close(writer);
        }
    }

    private static void close(@Nullable FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException _) {
            // Data that matters was flushed; the descriptor is gone in any case.
        }
    }
}
