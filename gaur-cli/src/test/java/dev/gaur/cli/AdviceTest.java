package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.Reference;
import java.nio.file.Path;
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
        private boolean lazy;
        private boolean journal;
        private String compression = "zlib";
        private long empty;
        private long tableBytes = 1000;
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
                            compression,
                            lazy,
                            journal,
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
            long own = GIB / clusterSize - shared - compressed - below - broken - empty;
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
                                    empty,
                                    broken,
                                    runs,
                                    data,
                                    tableBytes,
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
        check(dirty, "not closed cleanly: who writes to it", "gaur check -r all image");
        dirty.journal = true;
        check(dirty, "not closed cleanly: its journal says", "gaur check -r all image");
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
        compressed.compression = "zstd";
        compressed.compressed = 1 << 13;
        check(compressed, "50.0 % of the data", "gaur convert -O qcow2 image NEW");
        compressed.compression = "zlib";
        List<String> lines = advice(compressed.make());
        assertEquals(4, lines.size());
        assertEquals(
                "gaur convert -c -O qcow2 -o compression_type=zstd image NEW", lines.getLast());
        List<String> below = advice(new Maker().make(), compressed.make());
        assertTrue(below.getFirst().endsWith("It has to take the old one's name then."));
        assertFalse(below.getFirst().contains("first write"));
        compressed.compressed = 500;
        assertEquals(List.of(), advice(compressed.make()));
        compressed.compressed = 20; // That is all there is.
        compressed.empty = (1 << 14) - 20;
        assertEquals(List.of(), advice(compressed.make()));
    }

    @Test
    void firstWritesThatCopyFromSnapshots() {
        Maker shared = new Maker();
        shared.shared = 1 << 12;
        shared.snapshot = true;
        shared.lazy = true;
        check(shared, "25.0 % of the disk belongs", "gaur snapshot -d s image");
        shared.lazy = false;
        List<String> lines = advice(shared.make());
        assertEquals(4, lines.size());
        assertEquals("gaur amend -o lazy_refcounts=on image", lines.getLast());
        shared.journal = true; // Both is of no use.
        assertEquals(2, advice(shared.make()).size());
        shared.version = 2; // Knows neither.
        shared.journal = false;
        assertFalse(advice(shared.make()).toString().contains("lazy"));
    }

    @Test
    void firstWritesThatCopyFromBelow() {
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
        below.extended = false;
        below.clusterSize = 4096; // There is nothing less to copy.
        below.below = 1 << 18;
        assertEquals(List.of(), advice(below.make()));
    }

    @Test
    void largeClustersNeedALargerDataCache() {
        Maker large = new Maker();
        large.clusterSize = 2 << 20;
        large.extended = true;
        large.below = 512;
        large.based = true;
        List<String> lines = advice(large.make());
        assertEquals(4, lines.size(), lines.toString());
        assertTrue(lines.getFirst().contains("less than 64 KiB"), lines.toString());
        assertTrue(lines.get(1).contains("-o cluster_size=128k,extended_l2=on "), lines.toString());
        assertTrue(lines.get(2).contains("8 clusters of 2 MiB"), lines.toString());
        assertEquals(
                "gaur serve --image-opts"
                        + " 'driver=qcow2,file.filename=image,cow-cache-size=128M'",
                lines.getLast());
    }

    @Test
    void thinImagesThatAreBeingFilled() {
        Maker thin = new Maker();
        thin.empty = 1 << 13;
        thin.journal = true;
        thin.clusterSize = 1 << 16;
        check(
                thin,
                "50.0 % of the disk has no place in the file yet",
                "gaur convert -O qcow2 -o journal=on,preallocation=metadata image NEW");
        thin.based = true;
        assertEquals(List.of(), advice(thin.make()));
        thin.based = false;
        thin.empty = 1 << 14; // Nobody has begun to fill it.
        assertEquals(List.of(), advice(thin.make()));
        thin.empty = (1 << 14) - 10; // As good as nobody.
        assertEquals(List.of(), advice(thin.make()));
    }

    @Test
    void lazyCountsOfHugeImages() {
        Maker lazy = new Maker();
        lazy.lazy = true;
        assertEquals(List.of(), advice(lazy.make()));
        lazy.tableBytes = 32 << 20;
        check(lazy, "32 MiB of tables are read", "gaur amend -o journal=on image");
        lazy.journal = true;
        assertEquals(List.of(), advice(lazy.make()));
    }

    @Test
    void aDeepChain() {
        Layer layer = new Maker().make();
        assertEquals(List.of(), advice(layer, layer, layer, layer));
        List<String> lines = advice(Collections.nCopies(5, layer).toArray(Layer[]::new));
        assertEquals("gaur rebase -b image -F qcow2 image", lines.getLast());
        assertTrue(lines.getFirst().contains("in 5 images"));
        Maker kept = new Maker();
        kept.snapshot = true;
        lines = advice(kept.make(), layer, layer, layer, layer);
        assertEquals("", lines.getLast(), "it would change the snapshot");
    }

    @Test
    void namesInTheImageAreRelativeToIt() {
        Maker top = new Maker();
        top.name = "a/b c/top";
        Maker base = new Maker();
        base.name = "a/b c/base";
        assertEquals(
                "gaur rebase -b base -F qcow2 'a/b c/top'",
                AdviceCommands.rebase(top.make(), base.make()));
        base.name = "/x/base";
        assertEquals(
                "gaur rebase -b /x/base -F qcow2 'a/b c/top'",
                AdviceCommands.rebase(top.make(), base.make()));
        base.name = "nbd://host/base";
        assertTrue(AdviceCommands.rebase(top.make(), base.make()).contains(" nbd://host/base "));
        base.name = "a/base";
        String elsewhere = AdviceCommands.quoted(Path.of("a/base").toAbsolutePath().toString());
        assertEquals(
                "gaur rebase -b " + elsewhere + " -F qcow2 'a/b c/top'",
                AdviceCommands.rebase(top.make(), base.make()));
        assertEquals(
                "gaur convert -O qcow2 'a/b c/top' 'a/b c/NEW'",
                AdviceCommands.convert(top.make(), "", ""));
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
        assertEquals("/a/b-c.qcow2", AdviceCommands.quoted("/a/b-c.qcow2"));
        assertEquals("'-x'", AdviceCommands.quoted("-x"));
        assertEquals("'it'\\''s $HOME'", AdviceCommands.quoted("it's $HOME"));
        assertEquals("''", AdviceCommands.quoted(""));
    }
}
