package dev.gaur.verify.guest;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.export.StatusContext;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.net.Endpoint;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * A server that changes what it serves while it does: each line on standard input is a command, and
 * is answered by one that begins with "ok".
 */
final class SoakServer {
    static final String EXPORT = "soak";

    /** The bitmap that is there from the beginning to the end. */
    static final String BITMAP = "kept";

    private static final long GRANULARITY = 64 << 10;
    private static final int KIB = 1024;

    private final Snapshots snapshots;
    private final Bitmaps bitmaps;
    private final NbdServer server;

    private SoakServer(DiskImage disk, NbdServer server) {
        this.snapshots = disk.snapshots().orElseThrow();
        this.bitmaps = disk.bitmaps().orElseThrow();
        this.server = server;
    }

    /** Arguments: the socket and the image. */
    public static void main(String[] args) throws IOException {
        OpenOptions options = OpenOptions.DEFAULT.withWritable(true);
        try (DiskImage disk = Gaur.open(Path.of(args[1]), options);
                NbdServer server = new NbdServer(ServerOptions.DEFAULT);
                PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true)) {
            SoakServer soak = new SoakServer(disk, server);
            soak.bitmaps.add(BITMAP, GRANULARITY, true);
            StatusContext dirty =
                    new StatusContext.Dirty(BITMAP, () -> soak.bitmaps.contentOf(BITMAP));
            server.add(
                    Export.of(EXPORT, disk.io())
                            .withWritable(true)
                            .withContexts(List.of(StatusContext.ALLOCATION, dirty)));
            server.listen(new Endpoint.Unix(Path.of(args[0])));
            out.println("ok listening");
            soak.serve(out);
        }
    }

    private void serve(PrintStream out) throws IOException {
        var input =
                new InputStreamReader(
                        new FileInputStream(FileDescriptor.in), StandardCharsets.UTF_8);
        try (BufferedReader commands = new BufferedReader(input)) {
            String line = commands.readLine();
            while (line != null && !line.equals("end")) {
                String[] words = line.split(" ");
                out.println("ok " + run(words[0], words[words.length - 1]));
                line = commands.readLine();
            }
        }
    }

    private String run(String command, String name) throws IOException {
        switch (command) {
            case "snapshot" -> snapshots.create(wish(name));
            case "delete" ->
                    snapshots.list().stream()
                            .filter(snapshot -> snapshot.name().equals(name))
                            .forEach(snapshot -> snapshots.delete(snapshot.id()));
            case "bitmap" -> bitmaps.add(name, GRANULARITY, true);
            case "merge" -> bitmaps.merge(name, bitmaps.copyOf(BITMAP));
            case "clear" -> bitmaps.clear(name);
            case "remove" -> bitmaps.remove(name);
            case "measure" -> {
                return measure();
            }
            default -> throw new IllegalArgumentException(command);
        }
        return command;
    }

    private static SnapshotInfo wish(String name) {
        return new SnapshotInfo("", name, Instant.now(), 0, 0, 0, OptionalLong.empty());
    }

    /** Returns bytes of live heap, bytes of resident memory, threads, descriptors, connections. */
    private String measure() throws IOException {
        System.gc();
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        long resident = 0;
        int threads = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            String[] words = line.split("\\s+");
            switch (words[0]) {
                case "VmRSS:" -> resident = Long.parseLong(words[1]) * KIB;
                case "Threads:" -> threads = Integer.parseInt(words[1]);
                default -> {}
            }
        }
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return "%d %d %d %d %d"
                    .formatted(heap, resident, threads, descriptors.count(), server.connections());
        }
    }
}
