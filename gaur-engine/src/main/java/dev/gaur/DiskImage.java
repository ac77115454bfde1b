package dev.gaur;

import dev.gaur.block.BlockIo;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.format.Amending;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.CacheUse;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Compressing;
import dev.gaur.format.CowUse;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.Resizing;
import dev.gaur.format.Snapshots;
import dev.gaur.graph.BlockDevice;
import java.io.BufferedInputStream;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * An open disk: what a guest would see, whatever format and however many files it is stored in.
 *
 * <p>Safe for use by many threads at once, in parallel. Requests block. Closing ends all channels
 * and streams over the image; requests after that fail.
 */
public final class DiskImage implements AutoCloseable {
    private static final int STREAM_BUFFER = 64 << 10;

    private final BlockDevice device;

    DiskImage(BlockDevice device) {
        this.device = device;
    }

    /** Returns the size of the disk in bytes: a multiple of 512. */
    public long size() {
        return device.length();
    }

    /**
     * Returns what the image says of itself: a snapshot of this moment. Its backing files have
     * their own, see {@link #layers}.
     */
    public ImageInfo info() {
        return device.image().info();
    }

    /** Returns the same of every image in the chain, from the one that was opened to the base. */
    public List<ImageInfo> layers() {
        return device.layers().stream().map(Image::info).toList();
    }

    /**
     * Returns the disk as block I/O: the fastest way, into memory of the caller's; also the way to
     * zero and to discard. Ranges and rights are checked.
     */
    public BlockIo io() {
        return device;
    }

    /**
     * Tells how the whole disk is stored: where data is, what reads as zeros, which layer decides.
     *
     * @param visitor called on this thread in ascending order, without gaps; ends the walk by
     *     returning false
     */
    public void extents(ExtentVisitor visitor) {
        device.extents(0, device.length(), visitor);
    }

    /**
     * Returns a new channel over the whole disk, at position 0. Closing it does not close the
     * image. One channel's operations exclude each other; take one for each thread to read in
     * parallel. It can be written to if the image was opened so; the size of the disk stays.
     *
     * <p>Failures are {@link java.io.IOException}s with a {@link dev.gaur.block.BlockException} as
     * their cause.
     */
    public SeekableByteChannel channel() {
        return new DiskChannel(device);
    }

    /**
     * Returns a new stream over a part of the disk, for one thread at a time. Small reads are
     * buffered. Closing it does not close the image. Failures are as those of {@link #channel}.
     *
     * @param offset of the first byte
     * @param length in bytes
     * @throws IndexOutOfBoundsException if the part does not lie within the disk
     */
    public InputStream inputStream(long offset, long length) {
        Objects.checkFromIndexSize(offset, length, device.length());
        return new BufferedInputStream(new DiskInputStream(device, offset, length), STREAM_BUFFER);
    }

    /**
     * Tells how the caches of mapping tables do, of each layer that has one: from the image that
     * was opened to the base. Never blocks.
     */
    public List<CacheUse> cacheUse() {
        return device.layers().stream().flatMap(layer -> layer.cacheUse().stream()).toList();
    }

    /** Tells whether the image is open for writing. */
    public boolean writable() {
        return device.writable();
    }

    /**
     * Makes all writes that returned before this call began survive a crash. Closing brings writes
     * to the system, but does not wait for the disk.
     */
    public void flush() {
        device.flush();
    }

    /** Returns the internal snapshots to change; empty unless open for writing in such a format. */
    public Optional<Snapshots> snapshots() {
        return device.image().snapshots();
    }

    /** Returns the dirty bitmaps to change; empty unless open for writing in such a format. */
    public Optional<Bitmaps> bitmaps() {
        return device.image().bitmaps();
    }

    /** Returns compressed writes; empty unless open for writing in such a format. */
    public Optional<Compressing> compressing() {
        return device.compressing();
    }

    /** Returns how to change the disk's size; empty if the image is not open for writing. */
    public Optional<Resizing> resizing() {
        return device.resizing();
    }

    /**
     * Checks the image against its format's rules, as {@code gaur check} does; backing files are
     * not looked at. Blocks for as long as all metadata takes to read; changes wait meanwhile.
     *
     * @param listener hears of each thing that is wrong, and of progress
     * @return what was found; empty if the format has no check
     */
    public Optional<CheckReport> check(CheckListener listener) {
        return device.image().checker().map(checker -> checker.check(listener));
    }

    /** Returns how to change what the image is, if it is open for writing and can be changed. */
    public Optional<Amending> amending() {
        return device.image().amending();
    }

    /**
     * Returns how the data cache for copy-on-write does, if the image is open for writing and has
     * one. Never blocks.
     */
    public Optional<CowUse> cowUse() {
        return device.image().cowUse();
    }

    /** Closes the image and its backing files. Closing twice does nothing. */
    @Override
    public void close() {
        device.close();
    }
}
