package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.Reference;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Each piece of advice is given when it is due, with a command that fits, and else not. */
class AdviceTest {
    private static final long GIB = 1L << 30;
    private static final SnapshotInfo SNAPSHOT =
            new SnapshotInfo("1", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());

    /** A layer of 1 GiB in the making: all its 16384 clusters are its own, in one piece. */
    private static final class Maker {
        private String name = "image";
        private int clusterSize = 1 << 16;
        private int version = 3;
        private boolean dirty;
        private boolean corrupt;
        private boolean extended;
        private boolean based;
        private boolean snapshot;
        private long shared;
        private long compressed;
        private long below;
        private long broken;
        private long runs = 1;
        private long cacheMost = 140_000;

        Layer make() {
            ImageInfo.Qcow2 details =
                    new ImageInfo.Qcow2(
                            version,
                            16,
                            "zlib",
                            false,
                            false,
                            corrupt,
                            extended,
                            false,
                            "",
                            Optional.empty());
            Reference base = new Reference(Reference.Kind.BACKING_FILE, "my base", "raw", name);
            ImageInfo info =
                    new ImageInfo(
                            name,
                            "qcow2",
                            GIB,
                            GIB,
                            GIB,
                            clusterSize,
                            dirty,
                            false,
                            based ? Optional.of(base) : Optional.empty(),
                            Optional.empty(),
                            snapshot ? List.of(SNAPSHOT) : List.of(),
                            List.of(),
                            details);
            long own = GIB / clusterSize - shared - compressed - below - broken;
            long data = own + shared;
            return new Layer(
                    info,
                    Optional.of(
                            new MappingReport(
                                    true,
                                    own,
                                    shared,
                                    compressed,
                                    0,
                                    below,
                                    0,
                                    broken,
                                    runs,
                                    data,
                                    0,
                                    1000,
                                    cacheMost,
                                    32 << 20)));
        }
    }

    private static List<String> advice(Layer... layers) {
        List<String> lines = new ArrayList<>();
        for (Advice.Item item : Advice.of(new AdviceChain(List.of(layers), ""))) {
            lines.add(item.text());
            lines.add(item.command());
        }
        return lines;
    }

    private static void check(Maker maker, String text, String command) {
        List<String> lines = advice(maker.make());
        assertEquals(2, lines.size(), lines.toString());
        assertTrue(lines.getFirst().contains(text), lines.toString());
        assertEquals(command, lines.getLast());
    }

    @Test
    void aGoodImageNeedsNone() {
        assertEquals(List.of(), advice(new Maker().make()));
    }

    @Test
    void damageComesFirst() {
        Maker corrupt = new Maker();
        corrupt.corrupt = true;
        check(corrupt, "marked as corrupt", "gaur check -r all image");
        Maker dirty = new Maker();
        dirty.dirty = true;
        check(dirty, "not closed cleanly", "gaur check -r all image");
        Maker broken = new Maker();
        broken.broken = 3;
        check(broken, "3 clusters of image have illegal entries", "gaur check image");
    }

    @Test
    void aCacheThatIsTooSmall() {
        Maker large = new Maker();
        large.cacheMost = (40 << 20) + 1;
        check(
                large,
                "may come to take 40 MiB of memory, and get 32 MiB by default",
                "gaur serve --image-opts 'driver=qcow2,file.filename=image,l2-cache-size=41M'");
        large.cacheMost = Runtime.getRuntime().maxMemory();
        check(large, "Larger clusters", "gaur convert -O qcow2 -o cluster_size=1M image NEW");
        large.cacheMost = 33 << 20;
        large.name = "a b,c";
        List<String> below = advice(new Maker().make(), large.make());
        assertEquals(
                "gaur serve --image-opts"
                        + " 'driver=qcow2,file.filename=image,backing.l2-cache-size=33M'",
                below.getLast());
        check(
                large,
                "",
                "gaur serve --image-opts"
                        + " 'driver=qcow2,file.filename=a b,,c,l2-cache-size=33M'");
    }

    @Test
    void dataInDisorder() {
        Maker scattered = new Maker();
        scattered.runs = 5000;
        check(
                scattered,
                "lies in 5000 pieces of 210 KiB on average",
                "gaur convert -O qcow2 image NEW");
        scattered.runs = 1000; // Of a mebibyte each.
        assertEquals(List.of(), advice(scattered.make()));
    }

    @Test
    void compressedData() {
        Maker compressed = new Maker();
        compressed.compressed = 1 << 13;
        check(compressed, "50.0 % of the data", "gaur convert -O qcow2 image NEW");
        compressed.compressed = 500;
        assertEquals(List.of(), advice(compressed.make()));
    }

    @Test
    void firstWritesThatCopy() {
        Maker shared = new Maker();
        shared.shared = 1 << 12;
        shared.snapshot = true;
        check(shared, "25.0 % of the disk belongs", "gaur snapshot -d ID image");
        Maker below = new Maker();
        below.below = 1 << 14;
        below.based = true;
        check(
                below,
                "100.0 % of the disk lies in the backing file",
                "gaur convert -O qcow2 -B 'my base' -F raw -o extended_l2=on,cluster_size=128k"
                        + " image NEW");
        below.snapshot = true;
        assertTrue(advice(below.make()).getFirst().endsWith("It has no internal snapshots."));
        below.extended = true;
        assertEquals(List.of(), advice(below.make()));
    }

    @Test
    void aDeepChain() {
        Layer layer = new Maker().make();
        assertEquals(List.of(), advice(layer, layer, layer, layer));
        List<String> lines = advice(Collections.nCopies(5, layer).toArray(Layer[]::new));
        assertEquals("gaur rebase -b image -F qcow2 image", lines.getLast());
        assertTrue(lines.getFirst().contains("in 5 images"));
    }

    @Test
    void features() {
        Maker small = new Maker();
        small.clusterSize = 4096;
        small.cacheMost = 5 << 20;
        check(small, "16 times the tables", "gaur convert -O qcow2 -o cluster_size=64k image NEW");
        small.cacheMost = 1 << 20;
        assertEquals(List.of(), advice(small.make()));
        Maker extended = new Maker();
        extended.extended = true;
        extended.cacheMost = 5 << 20;
        check(extended, "double the", "gaur convert -O qcow2 -o extended_l2=off image NEW");
        Maker old = new Maker();
        old.version = 2;
        check(old, "Version 2", "gaur amend -o compat=1.1 image");
    }

    @Test
    void aChainThatEndsEarly() {
        AdviceChain chain = new AdviceChain(List.of(new Maker().make()), "'x' is gone");
        List<Advice.Item> items = Advice.of(chain);
        assertEquals("The chain is not complete: 'x' is gone.", items.getFirst().text());
        assertEquals("", items.getFirst().command());
    }

    @Test
    void namesAreQuotedForTheShell() {
        assertEquals("/a/b-c.qcow2", Advice.quoted("/a/b-c.qcow2"));
        assertEquals("'-x'", Advice.quoted("-x"));
        assertEquals("'it'\\''s $HOME'", Advice.quoted("it's $HOME"));
        assertEquals("''", Advice.quoted(""));
    }
}
