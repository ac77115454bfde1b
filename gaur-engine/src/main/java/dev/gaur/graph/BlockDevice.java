package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.ZeroMode;
import dev.gaur.filter.Breakpoints;
import dev.gaur.format.Compressing;
import dev.gaur.format.DetectZeroes;
import dev.gaur.format.Image;
import dev.gaur.format.Resizing;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An open disk: an image on its backing files. The one place where ranges and rights are checked;
 * below it every request lies within the disk. Safe for use by many threads.
 *
 * <p>A range outside the disk is an {@link IndexOutOfBoundsException}, a change of what was opened
 * for reading {@link BlockException.Denied}.
 */
public final class BlockDevice implements BlockIo, AutoCloseable {
    private final List<Image> layers;
    private final Image image;
    private final BlockNode top;
    private final BlockIo io;
    private final DeviceOptions options;
    private final Object firstSector = new Object();

    /**
     * @param layers from the image that is seen to the base; closing the first closes all
     */
    BlockDevice(List<Image> layers) {
        this(layers, layers.getFirst(), DeviceOptions.PLAIN);
    }

    /**
     * @param layers from the image that is seen to the base; closing the first closes all
     * @param top the first layer, or the filters above it
     * @param options what becomes of requests
     */
    BlockDevice(List<Image> layers, BlockNode top, DeviceOptions options) {
        this.layers = List.copyOf(layers);
        this.image = layers.getFirst();
        this.top = top;
        this.options = options;
        this.io = layers.size() > DeepChain.SHALLOW_MAX ? new DeepChain(top, layers.size()) : top;
    }

    /** Returns the image that is seen. It belongs to the device. */
    public Image image() {
        return image;
    }

    /** Returns all images, from the one that is seen to the base. They belong to the device. */
    public List<Image> layers() {
        return layers;
    }

    /** Tells whether the disk can be changed. */
    public boolean writable() {
        return top.writable();
    }

    /**
     * Tells whether the image is open for writing and was taken for a raw one because nobody said
     * what it is: then its first sector must not become what looks like another format.
     */
    public boolean isGuessedRaw() {
        return options.guessedRaw();
    }

    /** Returns what stops requests in tests, if the image is opened so. */
    public Optional<Breakpoints> breakpoints() {
        return options.breakpoints();
    }

    /** Has the layers give up cached tables that nobody used for long; see {@link Image}. */
    public void trimCaches() {
        layers.forEach(Image::trimCaches);
    }

    /** Returns compressed writes, if the image has them; ranges are checked. */
    public Optional<Compressing> compressing() {
        return image.compressing().map(CheckedCompressing::new);
    }

    /** Returns how to change the size, if the image can. */
    public Optional<Resizing> resizing() {
        return image.resizing();
    }

    @Override
    public long length() {
        return image.length();
    }

    private void checkRange(long offset, long count) {
        Objects.checkFromIndexSize(offset, count, image.length());
    }

    private void checkChange(long offset, long count) {
        checkRange(offset, count);
        if (!writable()) {
            throw new BlockException.Denied(image.name(), "", "is read-only");
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        checkRange(offset, target.byteSize());
        io.read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        checkRange(offset, target.byteSize());
        return io.tryRead(offset, target);
    }

    @Override
    public boolean prefetch(long offset, long length) {
        checkRange(offset, length);
        return io.prefetch(offset, length);
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        checkRange(offset, target.byteSize());
        return io.beginRead(offset, target);
    }

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        checkChange(offset, source.byteSize());
        boolean plain =
                options.detectZeroes() == DetectZeroes.OFF
                        && !options.guessedRaw()
                        && options.atLeast(Durability.CACHED) == Durability.CACHED;
        return plain ? io.beginWrite(offset, source) : null;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        long count = source.byteSize();
        checkChange(offset, count);
        Durability how = options.atLeast(durability);
        if (options.detectZeroes() != DetectZeroes.OFF && count > 0 && Bytes.isZero(source)) {
            boolean unmap = options.detectZeroes() == DetectZeroes.UNMAP && options.unmap();
            io.zero(offset, count, unmap ? ZeroMode.UNMAP : ZeroMode.KEEP, how);
        } else if (options.guessedRaw() && offset < FirstSector.SIZE) {
            synchronized (firstSector) {
                FirstSector.check(this, offset, source);
                io.write(offset, source, how);
            }
        } else {
            io.write(offset, source, how);
        }
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        checkChange(offset, count);
        io.zero(offset, count, options.allowed(mode), options.atLeast(durability));
    }

    @Override
    public void discard(long offset, long count) {
        checkChange(offset, count);
        if (options.unmap()) {
            io.discard(offset, count);
        }
    }

    @Override
    public void flush() {
        io.flush();
    }

    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        checkRange(offset, count);
        io.extents(offset, count, visitor);
    }

    /** Closes the image and all below it. Closing twice does nothing. */
    @Override
    public void close() {
        if (io instanceof DeepChain deep) {
            deep.close();
        } else {
            top.close();
        }
    }

    /** Closes a chain, perhaps one that is not complete. */
    static void close(List<Image> layers) {
        if (layers.size() > DeepChain.SHALLOW_MAX) {
            new DeepChain(layers.getFirst(), layers.size()).close();
        } else if (!layers.isEmpty()) {
            layers.getFirst().close();
        }
    }

    /** Compressed writes of a range that was checked. */
    private final class CheckedCompressing implements Compressing {
        private final Compressing unchecked;

        CheckedCompressing(Compressing unchecked) {
            this.unchecked = unchecked;
        }

        @Override
        public int unit() {
            return unchecked.unit();
        }

        @Override
        public void writeCompressed(long offset, MemorySegment source) {
            checkChange(offset, source.byteSize());
            unchecked.writeCompressed(offset, source);
        }
    }
}
