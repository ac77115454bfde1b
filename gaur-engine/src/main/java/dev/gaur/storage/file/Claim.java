package dev.gaur.storage.file;

import dev.gaur.block.BlockException;

/**
 * What a user of a file does with it, and what it forbids others to do meanwhile; told to all
 * processes by read locks on single bytes, as QEMU does: byte 100 + n is held by who uses
 * permission n, byte 200 + n by who does not share it. So that a permission may be used nobody may
 * hold its second byte, and so that it may be forbidden nobody may hold its first.
 *
 * <p>Permissions: 0 consistent read, 1 write, 2 write unchanged, 3 resize. Source: observed with
 * {@code qemu-io} and {@code /proc/locks}.
 *
 * @param uses a bit for each permission in use
 * @param forbids a bit for each permission not shared
 */
record Claim(int uses, int forbids) {
    /** Reads, and minds no writer. */
    static final Claim READ = new Claim(0b0001, 0);

    /** Reads and writes, and minds no other writer. */
    static final Claim WRITE = new Claim(0b0011, 0);

    /** Neither uses nor forbids anything: takes no lock. */
    static final Claim NOTHING = new Claim(0, 0);

    private static final int CHANGES = 0b1010;
    private static final int RESIZE = 0b1000;
    private static final long USED = 100;
    private static final long FORBIDDEN = 200;

    /** The same, and nobody else may write or resize. Who writes may resize then. */
    Claim exclusive() {
        boolean writes = (uses & CHANGES) != 0;
        return new Claim(writes ? uses | RESIZE : uses, forbids | CHANGES);
    }

    /** The bytes to be held. */
    long[] held() {
        return bytes(USED, FORBIDDEN);
    }

    /** The bytes that nobody else may hold. */
    long[] refused() {
        return bytes(FORBIDDEN, USED);
    }

    private long[] bytes(long ofUses, long ofForbids) {
        long[] bytes = new long[Integer.bitCount(uses) + Integer.bitCount(forbids)];
        int count = 0;
        for (int left = uses; left != 0; left &= left - 1) {
            bytes[count++] = ofUses + Integer.numberOfTrailingZeros(left);
        }
        for (int left = forbids; left != 0; left &= left - 1) {
            bytes[count++] = ofForbids + Integer.numberOfTrailingZeros(left);
        }
        return bytes;
    }

    /** Whether two users cannot live together. */
    boolean conflictsWith(Claim other) {
        return (uses & other.forbids) != 0 || (forbids & other.uses) != 0;
    }

    /**
     * The refusal, in QEMU's words.
     *
     * @param lockByte the byte that somebody else holds
     * @param holder who, empty if that cannot be told
     */
    static BlockException.Busy busy(String file, long lockByte, String holder) {
        boolean used = lockByte < FORBIDDEN;
        String permission =
                switch ((int) (lockByte - (used ? USED : FORBIDDEN))) {
                    case 0 -> "consistent read";
                    case 1 -> "write";
                    case 2 -> "write unchanged";
                    default -> "resize";
                };
        return new BlockException.Busy(
                file,
                "",
                "Failed to get %s\"%s\" lock\nIs another process using the image [%s]?"
                                .formatted(used ? "shared " : "", permission, file)
                        + (holder.isEmpty() ? "" : " " + holder + " is."));
    }
}
