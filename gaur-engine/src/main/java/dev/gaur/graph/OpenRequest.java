package dev.gaur.graph;

import dev.gaur.format.FormatOptions;
import dev.gaur.storage.OpenPolicy;

/**
 * How an image is to be opened.
 *
 * @param format QEMU's name of the format; empty to find out from the content
 * @param writable for writing too
 * @param shared without locks, beside a program that writes; what is read may be torn
 * @param withBacking with the backing files; without them only what the image itself holds can be
 *     read
 * @param snapshot id or name of the internal snapshot to read; empty for the active state
 * @param metadataCacheBytes bound of each layer's cache of tables, or {@link FormatOptions#AUTO}
 * @param policy what may be opened because an image names it
 * @param direct past the page cache; advice, which no driver follows yet
 */
public record OpenRequest(
        String format,
        boolean writable,
        boolean shared,
        boolean withBacking,
        String snapshot,
        long metadataCacheBytes,
        OpenPolicy policy,
        boolean direct) {

    /** For reading, with locks; follows backing files as qemu-img does. */
    public static final OpenRequest READ =
            new OpenRequest(
                    "",
                    false,
                    false,
                    true,
                    "",
                    FormatOptions.AUTO,
                    OpenPolicy.followLocalFiles(),
                    false);

    /** The same with another format. */
    public OpenRequest withFormat(String other) {
        return new OpenRequest(
                other, writable, shared, withBacking, snapshot, metadataCacheBytes, policy, direct);
    }

    /** The same for writing too, or not. */
    public OpenRequest withWritable(boolean other) {
        return new OpenRequest(
                format, other, shared, withBacking, snapshot, metadataCacheBytes, policy, direct);
    }

    /** The same without locks, or with them. */
    public OpenRequest withShared(boolean other) {
        return new OpenRequest(
                format, writable, other, withBacking, snapshot, metadataCacheBytes, policy, direct);
    }

    /** The same with the backing files, or without. */
    public OpenRequest withBacking(boolean other) {
        return new OpenRequest(
                format, writable, shared, other, snapshot, metadataCacheBytes, policy, direct);
    }

    /** The same of another internal snapshot. */
    public OpenRequest withSnapshot(String other) {
        return new OpenRequest(
                format, writable, shared, withBacking, other, metadataCacheBytes, policy, direct);
    }

    /** The same with another bound of the metadata cache. */
    public OpenRequest withMetadataCacheBytes(long other) {
        return new OpenRequest(
                format, writable, shared, withBacking, snapshot, other, policy, direct);
    }

    /** The same with another policy. */
    public OpenRequest withPolicy(OpenPolicy other) {
        return new OpenRequest(
                format, writable, shared, withBacking, snapshot, metadataCacheBytes, other, direct);
    }

    /** The same past the page cache, or through it. */
    public OpenRequest withDirect(boolean other) {
        return new OpenRequest(
                format, writable, shared, withBacking, snapshot, metadataCacheBytes, policy, other);
    }
}
