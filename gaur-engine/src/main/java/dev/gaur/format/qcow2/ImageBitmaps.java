package dev.gaur.format.qcow2;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import java.lang.ref.SoftReference;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** What users see of an image's bitmaps: as the file has them, until a change comes. */
final class ImageBitmaps implements Bitmaps {
    /** QEMU's bounds for the default, which is the cluster size. */
    private static final long DEFAULT_MIN = 4 << 10;

    private static final long DEFAULT_MAX = 64 << 10;

    private final StorageNode file;
    private final LiveHeader header;
    private final Supplier<Optional<BitmapStore>> present;
    private final Consumer<Consumer<BitmapStore>> change;

    /** What was read of bitmaps that nobody changes; the file has it if memory is short. */
    private final Map<String, SoftReference<DirtyBitmap>> stored = new ConcurrentHashMap<>();

    /**
     * @param present those in memory, once the image is being changed
     * @param change runs something while no request is under way, or throws
     */
    ImageBitmaps(
            StorageNode file,
            LiveHeader header,
            Supplier<Optional<BitmapStore>> present,
            Consumer<Consumer<BitmapStore>> change) {
        this.file = file;
        this.header = header;
        this.present = present;
        this.change = change;
    }

    @Override
    public List<BitmapInfo> list() {
        Header now = header.get();
        return present.get()
                .map(BitmapStore::list)
                .orElseGet(() -> BitmapDirectory.read(file, now).lookedInto(file, now).infos());
    }

    @Override
    public long defaultGranularity() {
        return Math.clamp(header.get().geometry().clusterSize(), DEFAULT_MIN, DEFAULT_MAX);
    }

    @Override
    public void add(String name, long granularity, boolean enabled) {
        boolean power = Long.bitCount(granularity) == 1;
        if (!power || granularity < GRANULARITY_MIN || granularity > GRANULARITY_MAX) {
            throw new IllegalArgumentException("granularity " + granularity);
        }
        if (name.isEmpty() || name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("name '" + name + "'");
        }
        change.accept(bitmaps -> bitmaps.add(name, granularity, enabled));
    }

    @Override
    public void remove(String name) {
        change.accept(bitmaps -> bitmaps.remove(name));
    }

    @Override
    public void clear(String name) {
        change.accept(bitmaps -> bitmaps.clear(name));
    }

    @Override
    public void enable(String name, boolean enabled) {
        change.accept(bitmaps -> bitmaps.enable(name, enabled));
    }

    @Override
    public void merge(String target, DirtyBitmap source) {
        change.accept(bitmaps -> bitmaps.merge(target, source));
    }

    @Override
    public DirtyBitmap copyOf(String name) {
        Optional<BitmapStore> store = present.get();
        return store.isPresent() ? store.get().copyOf(name) : read(name);
    }

    @Override
    public DirtyBitmap contentOf(String name) {
        Optional<BitmapStore> store = present.get();
        if (store.isPresent()) {
            stored.clear();
            return store.get().contentOf(name);
        }
        SoftReference<DirtyBitmap> known = stored.get(name);
        DirtyBitmap content = known == null ? null : known.get();
        if (content == null) {
            content = read(name);
            stored.put(name, new SoftReference<>(content));
        }
        return content;
    }

    /** Reads what the file has of a bitmap. */
    private DirtyBitmap read(String name) {
        Header now = header.get();
        for (BitmapEntry entry : BitmapDirectory.read(file, now).entries()) {
            if (entry.text().equals(name)) {
                return load(entry, now);
            }
        }
        throw BitmapStore.notFound(file.name(), name);
    }

    private DirtyBitmap load(BitmapEntry entry, Header now) {
        BitmapEntry looked = entry.problem().isEmpty() ? BitmapTable.look(file, now, entry) : entry;
        StoredBitmap.of(file, looked, looked.problem(), new long[0], false, now.virtualSize())
                .requireUsable();
        DirtyBitmap bits = new DirtyBitmap(now.virtualSize(), entry.granularity());
        BitmapTable.load(file, now.geometry(), BitmapTable.read(file, now, entry), bits);
        return bits;
    }
}
