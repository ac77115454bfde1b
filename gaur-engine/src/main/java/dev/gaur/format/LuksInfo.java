package dev.gaur.format;

import java.util.List;

/**
 * What the LUKS header of an encrypted image says: facts that need no key.
 *
 * @param cipher with its key's bits, such as {@code aes-256}
 * @param cipherMode such as {@code xts}
 * @param ivGenerator such as {@code plain64}
 * @param ivHash of the generator {@code essiv}, else empty
 * @param hash of the key derivation, such as {@code sha256}
 * @param uuid as text
 * @param payloadOffset in the LUKS volume where its content begins, in bytes
 * @param masterKeyIterations of the digest that a key is checked with
 * @param slots all eight
 */
public record LuksInfo(
        String cipher,
        String cipherMode,
        String ivGenerator,
        String ivHash,
        String hash,
        String uuid,
        long payloadOffset,
        long masterKeyIterations,
        List<Slot> slots) {

    /** Copies the list. */
    public LuksInfo {
        slots = List.copyOf(slots);
    }

    /**
     * A place for the master key, locked by a passphrase.
     *
     * @param active whether there is a key
     * @param iterations of the key derivation
     * @param keyOffset in the LUKS volume, in bytes
     * @param stripes into which the key is split
     */
    public record Slot(boolean active, long iterations, long keyOffset, long stripes) {}
}
