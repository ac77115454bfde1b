package dev.gaur.cli;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import java.util.ArrayList;
import java.util.List;

/** What {@code convert --bitmaps} copies, besides the disk. */
final class ConvertBitmaps {
    private final Bitmaps source;
    private final List<BitmapInfo> wanted = new ArrayList<>();

    private ConvertBitmaps(Bitmaps source) {
        this.source = source;
    }

    /** Checks what needs no file, in qemu-img's words. */
    static void check(Invocation call) {
        boolean bitmaps = call.has(ConvertCommand.BITMAPS);
        if (call.has(ConvertCommand.SKIP_BITMAPS) && !bitmaps) {
            throw new CommandException("Use of --skip-broken-bitmaps requires --bitmaps");
        }
        if (bitmaps && call.operands().size() > 2) {
            throw new CommandException("Copying bitmaps only possible with single source");
        }
    }

    /**
     * Looks at what is to be copied, before the disk is.
     *
     * @param disk open until the copy is done
     * @param format of the target
     */
    static ConvertBitmaps of(Invocation call, BlockDevice disk, String format) {
        Image image = disk.image();
        if (image.bitmaps().isEmpty() || !canHave(image)) {
            throw new CommandException("Source lacks bitmap support");
        }
        ConvertBitmaps bitmaps = new ConvertBitmaps(image.bitmaps().get());
        for (BitmapInfo each : bitmaps.source.list()) {
            if (!each.isUnusable()) {
                bitmaps.wanted.add(each);
            } else if (call.has(ConvertCommand.SKIP_BITMAPS)) {
                call.warn("Skipping " + state(each) + " bitmap '" + each.name() + "'");
            } else {
                throw new CommandException(
                        "Cannot copy %s bitmap '%s'\n".formatted(state(each), each.name())
                                + "Try --skip-broken-bitmaps, or use 'qemu-img bitmap --remove' to"
                                + " delete it");
            }
        }
        if (!format.equals(CreateFormats.QCOW2)) {
            throw unsupported(format);
        }
        return bitmaps;
    }

    private static boolean canHave(Image image) {
        return !(image.info().details() instanceof ImageInfo.Qcow2 qcow2 && qcow2.version() < 3);
    }

    private static String state(BitmapInfo bitmap) {
        return bitmap.broken().isEmpty() ? "inconsistent" : "broken";
    }

    private static CommandException unsupported(String format) {
        return new CommandException("Format driver '" + format + "' does not support bitmaps");
    }

    /** Adds the bitmaps to the target, which has the disk already. */
    void copyTo(String file, OpenRequest request) {
        try (BlockDevice target = ChainOpener.open(file, request.withBacking(false))) {
            if (!canHave(target.image())) {
                throw unsupported(CreateFormats.QCOW2);
            }
            Bitmaps to = target.image().bitmaps().orElseThrow();
            wanted.forEach(each -> copy(each, to));
        }
    }

    private void copy(BitmapInfo bitmap, Bitmaps target) {
        String name = bitmap.name();
        DirtyBitmap bits = source.copyOf(name);
        try {
            target.add(name, bitmap.granularity(), bitmap.auto());
        } catch (BlockException failure) {
            throw new CommandException("Failed to create bitmap " + name + ": " + failure.found());
        }
        try {
            target.merge(name, bits);
        } catch (BlockException failure) {
            target.remove(name);
            throw new CommandException(
                    "Failed to populate bitmap " + name + ": " + failure.found());
        }
    }
}
