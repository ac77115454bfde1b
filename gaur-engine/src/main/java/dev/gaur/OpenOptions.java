package dev.gaur;

import dev.gaur.format.FormatOptions;
import dev.gaur.net.TlsCredentials;
import dev.gaur.storage.OpenPolicy;
import java.util.Optional;

/**
 * How {@link Gaur#open(java.nio.file.Path, OpenOptions)} opens an image. Immutable; each {@code
 * with} method returns a changed copy.
 *
 * @param format QEMU's name of the format, such as {@code qcow2}; empty to find out from the
 *     content. Name it for disks whose first bytes an untrusted guest has written: a raw disk can
 *     be made to look like a qcow2 image
 * @param writable for writing too; backing files are only read
 * @param shared without taking locks, beside a program that writes to the image; what is read may
 *     then be torn
 * @param snapshot id or name of the internal snapshot to read; empty for the active state
 * @param metadataCacheBytes bound of each image's cache of mapping tables in bytes; {@link
 *     FormatOptions#AUTO} fits it to the image
 * @param cowCacheBytes bound, in bytes, of what may stay in memory of an image open for writing
 *     until a flush: parts of clusters that wait for the rest, so that nothing has to be copied for
 *     them ({@code cow-cache-size}). 0 for nothing; {@link FormatOptions#AUTO} for 16 MiB
 * @param policy what may be opened because an image names it: backing files, external data files
 * @param direct past the page cache (O_DIRECT) where native access is allowed, for reading and
 *     writing; without effect elsewhere. Requests may have any offset and length: of a block of the
 *     device that is written in part the rest is read first
 * @param tls credentials of a client, for servers whose URI asks for TLS ({@code nbds})
 */
public record OpenOptions(
        String format,
        boolean writable,
        boolean shared,
        String snapshot,
        long metadataCacheBytes,
        long cowCacheBytes,
        OpenPolicy policy,
        boolean direct,
        Optional<TlsCredentials> tls) {

    /**
     * Makes options.
     *
     * @throws IllegalArgumentException if a bound is negative and not {@link FormatOptions#AUTO}
     */
    public OpenOptions {
        requireBound(metadataCacheBytes);
        requireBound(cowCacheBytes);
    }

    private static void requireBound(long bytes) {
        if (bytes < 0 && bytes != FormatOptions.AUTO) {
            throw new IllegalArgumentException("a cache cannot have " + bytes + " bytes");
        }
    }

    /**
     * For reading, with locks, the format found out; an image that refers to other files is
     * refused.
     */
    public static final OpenOptions DEFAULT =
            new OpenOptions(
                    "",
                    false,
                    false,
                    "",
                    FormatOptions.AUTO,
                    FormatOptions.AUTO,
                    OpenPolicy.refuse(),
                    false,
                    Optional.empty());

    /** Returns these options with a format stated; empty to find out. */
    public OpenOptions withFormat(String other) {
        return new OpenOptions(
                other,
                writable,
                shared,
                snapshot,
                metadataCacheBytes,
                cowCacheBytes,
                policy,
                direct,
                tls);
    }

    /** Returns these options for writing too, or not. */
    public OpenOptions withWritable(boolean other) {
        return new OpenOptions(
                format,
                other,
                shared,
                snapshot,
                metadataCacheBytes,
                cowCacheBytes,
                policy,
                direct,
                tls);
    }

    /** Returns these options without locks, or with them. */
    public OpenOptions withShared(boolean other) {
        return new OpenOptions(
                format,
                writable,
                other,
                snapshot,
                metadataCacheBytes,
                cowCacheBytes,
                policy,
                direct,
                tls);
    }

    /** Returns these options for an internal snapshot. */
    public OpenOptions withSnapshot(String other) {
        return new OpenOptions(
                format,
                writable,
                shared,
                other,
                metadataCacheBytes,
                cowCacheBytes,
                policy,
                direct,
                tls);
    }

    /** Returns these options with another bound of the metadata cache, in bytes. */
    public OpenOptions withMetadataCacheBytes(long other) {
        return new OpenOptions(
                format, writable, shared, snapshot, other, cowCacheBytes, policy, direct, tls);
    }

    /** Returns these options with another bound of the data cache for copy-on-write, in bytes. */
    public OpenOptions withCowCacheBytes(long other) {
        return new OpenOptions(
                format, writable, shared, snapshot, metadataCacheBytes, other, policy, direct, tls);
    }

    /** Returns these options with another policy for what an image names. */
    public OpenOptions withPolicy(OpenPolicy other) {
        return new OpenOptions(
                format,
                writable,
                shared,
                snapshot,
                metadataCacheBytes,
                cowCacheBytes,
                other,
                direct,
                tls);
    }

    /** Returns these options past the page cache, or through it. */
    public OpenOptions withDirect(boolean other) {
        return new OpenOptions(
                format,
                writable,
                shared,
                snapshot,
                metadataCacheBytes,
                cowCacheBytes,
                policy,
                other,
                tls);
    }

    /** Returns these options with credentials for TLS. */
    public OpenOptions withTls(TlsCredentials other) {
        return new OpenOptions(
                format,
                writable,
                shared,
                snapshot,
                metadataCacheBytes,
                cowCacheBytes,
                policy,
                direct,
                Optional.of(other));
    }
}
