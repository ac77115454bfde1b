package dev.gaur.cli;

import dev.gaur.block.Extent;
import dev.gaur.format.ImageInfo;
import dev.gaur.graph.BlockDevice;
import java.util.List;

/** What {@code gaur io} tells of an image. */
final class IoStatus {
    private IoStatus() {}

    static void length(IoShell shell, IoVerb verb, List<String> words) {
        shell.say(IoReport.size(shell.disk().length()));
    }

    static void info(IoShell shell, IoVerb verb, List<String> words) {
        ImageInfo info = shell.disk().image().info();
        shell.say("format name: " + info.format());
        shell.say("cluster size: " + IoReport.size(info.clusterSize()));
        shell.say("vm state offset: " + IoReport.size(vmStateOffset(info)));
        StringBuilder text = new StringBuilder();
        new ImageText(info, null).humanDetails(text);
        shell.print(text.toString());
    }

    /** VM state begins at the first L1 entry behind the disk. */
    private static long vmStateOffset(ImageInfo info) {
        if (!(info.details() instanceof ImageInfo.Qcow2 qcow2)) {
            return 0;
        }
        long entries = info.clusterSize() / (qcow2.extendedL2() ? 16 : 8);
        long perTable = info.clusterSize() * entries;
        return Math.ceilDiv(info.virtualSize(), perTable) * perTable;
    }

    /** Whether the image itself has the range, be it as data or as zeros. */
    private static boolean isAllocated(Extent extent) {
        return extent.depth() == 0 && !(extent instanceof Extent.Unallocated);
    }

    static void alloc(IoShell shell, IoVerb verb, List<String> words) {
        long offset = IoReport.number(words.get(1));
        long wanted = words.size() == 3 ? IoReport.number(words.get(2)) : IoReport.SECTOR;
        BlockDevice disk = shell.disk();
        long length = Math.clamp(disk.length() - offset, 0, wanted);
        long[] allocated = {0};
        if (length > 0) {
            disk.extents(
                    offset,
                    length,
                    extent -> {
                        allocated[0] += isAllocated(extent) ? extent.length() : 0;
                        return true;
                    });
        }
        shell.say(
                allocated[0]
                        + "/"
                        + length
                        + " bytes allocated at offset "
                        + IoReport.size(offset));
    }

    static void map(IoShell shell, IoVerb verb, List<String> words) {
        BlockDevice disk = shell.disk();
        Areas areas = new Areas(shell);
        disk.extents(
                0,
                disk.length(),
                extent -> {
                    areas.add(isAllocated(extent), extent.length());
                    return true;
                });
        areas.print();
    }

    /** Prints areas that are allocated or not, neighbours of a kind as one. */
    private static final class Areas {
        private final IoShell shell;
        private boolean allocated;
        private long start;
        private long length;

        Areas(IoShell shell) {
            this.shell = shell;
        }

        void add(boolean isAllocated, long more) {
            if (isAllocated != allocated) {
                print();
                start += length;
                length = 0;
                allocated = isAllocated;
            }
            length += more;
        }

        void print() {
            if (length > 0) {
                shell.say(
                        IoReport.size(length)
                                + hex(length)
                                + " bytes "
                                + (allocated ? "    allocated" : "not allocated")
                                + " at offset "
                                + IoReport.size(start)
                                + hex(start));
            }
        }

        private static String hex(long value) {
            return " (0x" + Long.toHexString(value) + ")";
        }
    }
}
