package dev.gaur.format.qcow2;

import dev.gaur.block.BlockIo;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MeasureReport;
import dev.gaur.format.Preallocation;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;

/**
 * Tells how large a new qcow2 image will be, exactly as {@code qemu-img measure} does. Refuses in
 * its words, with {@link IllegalArgumentException}, what it refuses.
 */
public final class Measure {
    private static final int BITMAP_ENTRY_BYTES = 24;

    private final Qcow2CreateOptions options;
    private final Geometry geometry;

    private Measure(Qcow2CreateOptions options) {
        requireLegal(options);
        this.options = options;
        this.geometry = options.geometry();
    }

    /** Measures an empty image of {@link Qcow2CreateOptions#size}. */
    public static MeasureReport ofSize(Qcow2CreateOptions options) {
        Measure measure = new Measure(options);
        return measure.report(options.size(), 0, OptionalLong.empty());
    }

    /**
     * Measures an image that gets a disk's content; the options' own size does not matter. Walks
     * over the disk's extents, reads no data.
     *
     * @param source what says of the disk which bitmaps it has
     */
    public static MeasureReport ofDisk(Qcow2CreateOptions options, BlockIo disk, ImageInfo source) {
        Measure measure = new Measure(options.withSize(disk.length()));
        boolean both =
                options.version() >= 3
                        && source.details() instanceof ImageInfo.Qcow2 qcow2
                        && qcow2.version() >= 3;
        return measure.report(
                disk.length(),
                options.hasBacking() ? measure.diskBytes(disk.length()) : measure.dataBytes(disk),
                both
                        ? OptionalLong.of(measure.bitmapBytes(source.bitmaps(), disk.length()))
                        : OptionalLong.empty());
    }

    private static void requireLegal(Qcow2CreateOptions options) {
        long clusterSize = options.clusterSize();
        require(
                Long.bitCount(clusterSize) == 1
                        && clusterSize >= 1 << Geometry.CLUSTER_BITS_MIN
                        && clusterSize <= 1 << Geometry.CLUSTER_BITS_MAX,
                "Cluster size must be a power of two between 512 and 2048k");
        long extendedMin = (long) Geometry.SUBCLUSTERS * Geometry.SECTOR;
        require(
                !options.extendedL2() || clusterSize >= extendedMin,
                "Extended L2 entries are only supported with cluster sizes of at least "
                        + extendedMin
                        + " bytes");
        require(
                Long.bitCount(options.refcountBits()) == 1 && options.refcountBits() <= Long.SIZE,
                "Refcount width must be a power of two and may not exceed 64 bits");
        require(
                options.version() >= 3 || options.refcountBits() == 16,
                "Different refcount widths than 16 bits require compatibility level 1.1 or above"
                        + " (use compat=1.1 or greater)");
        require(
                options.geometry().l1EntriesFor(options.size()) * Long.BYTES
                        <= HeaderCodec.L1_BYTES_MAX,
                "The image size is too large (try using a larger cluster size)");
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    private long diskBytes(long size) {
        return geometry.clusterOffset(geometry.clustersFor(size));
    }

    private MeasureReport report(long size, long dataBytes, OptionalLong bitmaps) {
        long disk = diskBytes(size);
        boolean reserved =
                options.preallocation() == Preallocation.FULL
                        || options.preallocation() == Preallocation.FALLOC;
        long metadata = metadataBytes(disk);
        return new MeasureReport(
                metadata + (reserved ? disk : dataBytes), metadata + disk, bitmaps);
    }

    /** Header, L1 table, L2 tables and reference counts of a full image. */
    private long metadataBytes(long disk) {
        long tables = geometry.l1EntriesFor(disk);
        long l1Clusters = geometry.clustersFor(tables * Long.BYTES);
        long counted = 1 + tables + l1Clusters + geometry.clusterIndex(disk);
        return geometry.clusterOffset(1 + tables + l1Clusters + refcountClusters(counted));
    }

    /** Clusters of the refcount table and its blocks, which count themselves too. */
    private long refcountClusters(long counted) {
        long clusters = 0;
        while (true) {
            long blocks = Math.ceilDiv(counted + clusters, geometry.refcountsPerBlock());
            long next = blocks + Math.ceilDiv(blocks, geometry.tableEntriesPerCluster());
            if (next == clusters) {
                return clusters;
            }
            clusters = next;
        }
    }

    /** Bytes of all clusters that hold something else than zeros. */
    private long dataBytes(BlockIo disk) {
        long[] sum = {0, 0}; // bytes; end of the last cluster that was counted
        disk.extents(
                0,
                disk.length(),
                extent -> {
                    long start = Math.max(extent.offset(), sum[1]);
                    if (!extent.readsAsZero() && start < extent.end()) {
                        sum[1] = geometry.alignUp(extent.end());
                        sum[0] += sum[1] - geometry.alignDown(start);
                    }
                    return true;
                });
        return sum[0];
    }

    private long bitmapBytes(List<BitmapInfo> bitmaps, long size) {
        long bytes = 0;
        long directory = 0;
        for (BitmapInfo each : bitmaps) {
            long data = Math.ceilDiv(Math.ceilDiv(size, each.granularity()), Byte.SIZE);
            long clusters = geometry.clustersFor(data);
            bytes += geometry.clusterOffset(clusters) + geometry.alignUp(clusters * Long.BYTES);
            int name = each.name().getBytes(StandardCharsets.UTF_8).length;
            directory += (BITMAP_ENTRY_BYTES + name + 7) & -8;
        }
        return bytes + geometry.alignUp(directory);
    }
}
