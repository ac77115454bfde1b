package dev.gaur.graph;

import dev.gaur.format.FormatOptions;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.OpenPolicy;
import java.util.EnumSet;
import java.util.Set;

/**
 * How an image is to be opened.
 *
 * @param format QEMU's name of the format; empty to find out from the content
 * @param writable for writing too
 * @param shared without locks, beside a program that writes; what is read may be torn
 * @param withBacking with the backing files; without them only what the image itself holds can be
 *     read
 * @param options of the image itself; its layers below take only the bound of the metadata cache
 * @param cache when writes are done, and whether requests go past the page cache
 * @param policy what may be opened because an image names it
 * @param credentials for servers that the user names
 * @param extras what is asked for rarely; immutable
 */
public record OpenRequest(
        String format,
        boolean writable,
        boolean shared,
        boolean withBacking,
        FormatOptions options,
        CacheMode cache,
        OpenPolicy policy,
        Credentials credentials,
        Set<Extra> extras) {
    /** What is asked for rarely. */
    public enum Extra {
        /** The location is a list of driver options ({@code --image-opts}). */
        IMAGE_OPTS,
        /**
         * Location and format come from an image: the location is a path and nothing else, whatever
         * it looks like, and the format is one of a file.
         */
        OF_IMAGE,
        /** Changes go to a temporary file that nobody else sees. */
        TEMPORARY,
        /** What is read from the backing files is kept in the image. */
        COPY_ON_READ,
        /** Linux's own asynchronous I/O is asked for; has no effect but its conditions. */
        NATIVE_AIO
    }

    /** For reading, with locks; follows backing files as qemu-img does. */
    public static final OpenRequest READ =
            new OpenRequest(
                    "",
                    false,
                    false,
                    true,
                    FormatOptions.DEFAULT,
                    CacheMode.WRITEBACK,
                    OpenPolicy.followLocalFiles(),
                    Credentials.NONE,
                    Set.of());

    /** Returns the id or name of the internal snapshot to read; empty for the active state. */
    public String snapshot() {
        return options.snapshot();
    }

    /** Returns the bound of each layer's cache of tables, or {@link FormatOptions#AUTO}. */
    public long metadataCacheBytes() {
        return options.metadataCacheBytes();
    }

    /** Tells whether requests shall go past the page cache. */
    public boolean direct() {
        return cache.direct();
    }

    /** The same with another format. */
    public OpenRequest withFormat(String other) {
        return new OpenRequest(
                other, writable, shared, withBacking, options, cache, policy, credentials, extras);
    }

    /** The same for writing too, or not. */
    public OpenRequest withWritable(boolean other) {
        return new OpenRequest(
                format, other, shared, withBacking, options, cache, policy, credentials, extras);
    }

    /** The same without locks, or with them. */
    public OpenRequest withShared(boolean other) {
        return new OpenRequest(
                format, writable, other, withBacking, options, cache, policy, credentials, extras);
    }

    /** The same with the backing files, or without. */
    public OpenRequest withBacking(boolean other) {
        return new OpenRequest(
                format, writable, shared, other, options, cache, policy, credentials, extras);
    }

    /** The same with other options of the image. */
    public OpenRequest withOptions(FormatOptions other) {
        return new OpenRequest(
                format, writable, shared, withBacking, other, cache, policy, credentials, extras);
    }

    /** The same of another internal snapshot. */
    public OpenRequest withSnapshot(String other) {
        return withOptions(options.withSnapshot(other));
    }

    /** The same with another bound of the metadata cache. */
    public OpenRequest withMetadataCacheBytes(long other) {
        return withOptions(options.withMetadataCacheBytes(other));
    }

    /** The same with another bound of the data cache for copy-on-write. */
    public OpenRequest withCowCacheBytes(long other) {
        return withOptions(options.withCowCacheBytes(other));
    }

    /** The same with another cache mode. */
    public OpenRequest withCache(CacheMode other) {
        return new OpenRequest(
                format, writable, shared, withBacking, options, other, policy, credentials, extras);
    }

    /** The same with another policy. */
    public OpenRequest withPolicy(OpenPolicy other) {
        return new OpenRequest(
                format, writable, shared, withBacking, options, cache, other, credentials, extras);
    }

    /** The same with other credentials for servers. */
    public OpenRequest withCredentials(Credentials other) {
        return new OpenRequest(
                format, writable, shared, withBacking, options, cache, policy, other, extras);
    }

    /** Tells whether something is asked for. */
    public boolean has(Extra extra) {
        return extras.contains(extra);
    }

    /** The same with something asked for, or not. */
    public OpenRequest with(Extra extra, boolean wanted) {
        Set<Extra> changed = EnumSet.noneOf(Extra.class);
        changed.addAll(extras);
        if (wanted) {
            changed.add(extra);
        } else {
            changed.remove(extra);
        }
        return new OpenRequest(
                format,
                writable,
                shared,
                withBacking,
                options,
                cache,
                policy,
                credentials,
                Set.copyOf(changed));
    }

    /** The same with a location that is a list of driver options, or a name. */
    public OpenRequest withImageOpts(boolean other) {
        return with(Extra.IMAGE_OPTS, other);
    }
}
