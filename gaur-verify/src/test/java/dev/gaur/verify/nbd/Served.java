package dev.gaur.verify.nbd;

import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.export.StatusContext;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.CacheMode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A server of this process on a Unix socket, and the images that it serves. */
final class Served implements AutoCloseable {
    private final NbdServer server = new NbdServer(ServerOptions.DEFAULT);
    private final List<BlockDevice> disks = new ArrayList<>();
    private final Path socket;

    private Served(Path folder) {
        this.socket = folder.resolve("gaur.sock");
        try {
            server.listen(new Endpoint.Unix(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A server that has nothing to offer yet; its socket is in a folder. */
    static Served nothing(Path folder) {
        return new Served(folder);
    }

    /** Serves an image for reading as the export without a name. */
    static Served read(Path image, String format) {
        Served served = new Served(folderOf(image));
        served.add("", image, OpenRequest.READ.withFormat(format));
        return served;
    }

    /** Serves an image for writing as the export without a name. */
    static Served write(Path image, String format) {
        return write(image, format, CacheMode.WRITEBACK);
    }

    /** The same, in some cache mode. */
    static Served write(Path image, String format, CacheMode cache) {
        Served served = new Served(folderOf(image));
        OpenRequest request = OpenRequest.READ.withFormat(format).withWritable(true);
        served.add("", image, request.withCache(cache));
        return served;
    }

    private static Path folderOf(Path image) {
        Path parent = image.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IllegalArgumentException("lies nowhere: " + image);
        }
        return parent;
    }

    /** Serves one more image, with all that clients may ask about it. */
    Export add(String name, Path image, OpenRequest request) {
        BlockDevice disk = ChainOpener.open(image.toString(), request);
        disks.add(disk);
        Export export =
                Export.of(name, disk).withWritable(disk.writable()).withContexts(contexts(disk));
        server.add(export);
        return export;
    }

    private static List<StatusContext> contexts(BlockDevice disk) {
        List<StatusContext> contexts = new ArrayList<>();
        contexts.add(StatusContext.ALLOCATION);
        contexts.add(StatusContext.DEPTH);
        Bitmaps bitmaps = disk.image().bitmaps().orElse(null);
        if (bitmaps != null) {
            for (BitmapInfo bitmap : bitmaps.list()) {
                String name = bitmap.name();
                contexts.add(new StatusContext.Dirty(name, () -> bitmaps.contentOf(name)));
            }
        }
        return contexts;
    }

    NbdServer server() {
        return server;
    }

    /** Returns the image that was opened first. */
    BlockDevice disk() {
        return disks.getFirst();
    }

    /** Returns what clients call the export without a name. */
    String uri() {
        return uri("");
    }

    /** Returns what clients call an export. */
    String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket;
    }

    @Override
    public void close() {
        try {
            server.close();
        } finally {
            disks.forEach(BlockDevice::close);
        }
    }
}
