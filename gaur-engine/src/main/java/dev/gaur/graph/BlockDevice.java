package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

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
    private final BlockIo io;

    /**
     * @param layers from the image that is seen to the base; closing the first closes all
     */
    BlockDevice(List<Image> layers) {
        this.layers = List.copyOf(layers);
        this.image = layers.getFirst();
        this.io =
                layers.size() > DeepChain.SHALLOW_MAX ? new DeepChain(image, layers.size()) : image;
    }

    /** Returns the image that is seen. It belongs to the device. */
    public Image image() {
        return image;
    }

    /** Returns all images, from the one that is seen to the base. They belong to the device. */
    public List<Image> layers() {
        return layers;
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
        if (!image.writable()) {
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
    public void write(long offset, MemorySegment source, Durability durability) {
        checkChange(offset, source.byteSize());
        io.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        checkChange(offset, count);
        io.zero(offset, count, mode, durability);
    }

    @Override
    public void discard(long offset, long count) {
        checkChange(offset, count);
        io.discard(offset, count);
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
        close(layers);
    }

    /** Closes a chain, perhaps one that is not complete. */
    static void close(List<Image> layers) {
        if (layers.size() > DeepChain.SHALLOW_MAX) {
            new DeepChain(layers.getFirst(), layers.size()).close();
        } else if (!layers.isEmpty()) {
            layers.getFirst().close();
        }
    }
}
