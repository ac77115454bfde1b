package dev.gaur.format.qcow2;

import dev.gaur.format.Rebasing;
import java.util.function.Consumer;

/** How the backing file of an image open for writing changes. */
final class ImageRebasing implements Rebasing {
    /** Makes a range zero. */
    @FunctionalInterface
    interface Zeroing {
        /** Zeros bytes, whatever lies below. */
        void zero(long offset, long length);
    }

    private final LiveHeader header;
    private final Zeroing zeroing;
    private final Consumer<Runnable> exclusively;

    /**
     * @param exclusively runs work while no request is under way
     */
    ImageRebasing(LiveHeader header, Zeroing zeroing, Consumer<Runnable> exclusively) {
        this.header = header;
        this.zeroing = zeroing;
        this.exclusively = exclusively;
    }

    @Override
    public int unit() {
        return header.get().geometry().subclusterSize();
    }

    @Override
    public void zeroOverAny(long offset, long length) {
        zeroing.zero(offset, length);
    }

    @Override
    public void checkBacking(String backingName, String format) {
        header.checkBacking(backingName, format);
    }

    @Override
    public void setBacking(String backingName, String format) {
        exclusively.accept(() -> header.setBacking(backingName, format));
    }
}
