package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.json.FlatJson;
import dev.gaur.storage.CacheMode;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReportTest {
    private static final Figure FIGURE =
            Catalogue.all().stream().filter(it -> it.key().equals("cow")).findFirst().orElseThrow();
    private static final Variant RAW = FIGURE.variants().getFirst();
    private static final Variant QCOW2 = FIGURE.variants().get(1);

    private static Measured measured(Way way, Variant variant, CacheMode cache) {
        return new Measured(FIGURE, cache, way, variant, Pattern.SEQUENTIAL);
    }

    private static List<Sample> samples(double... first) {
        return java.util.Arrays.stream(first)
                .mapToObj(rate -> new Sample(rate, 0, 2 * rate, 1000))
                .toList();
    }

    private static Report report() {
        SequencedMap<Measured, List<Sample>> results = new LinkedHashMap<>();
        results.put(measured(Way.API, RAW, CacheMode.WRITEBACK), samples(1000, 1100));
        results.put(measured(Way.API, QCOW2, CacheMode.WRITEBACK), samples(500, 550));
        results.put(
                measured(Way.NBD, RAW, CacheMode.WRITEBACK),
                samples(100, 100).stream().map(it -> it.withYoung(25)).toList());
        results.put(measured(Way.QEMU, RAW, CacheMode.WRITEBACK), samples(20, 40));
        results.put(measured(Way.API, RAW, CacheMode.NONE), samples(10));
        Settings settings =
                new Settings(
                        Path.of("."),
                        60,
                        Settings.SPACE_MIN,
                        2,
                        false,
                        List.of(),
                        List.of(CacheMode.WRITEBACK),
                        Set.copyOf(Settings.WAYS),
                        "gaur bench figures --folder <&>");
        Machine machine = new Machine(List.of(new Machine.Fact("processor", "<fast>")));
        return new Report(
                settings,
                machine,
                Instant.EPOCH,
                7,
                Report.charts(results),
                List.of("something <else>"));
    }

    @Test
    void aChartHoldsWhatDiffersInTheImageOrTheServer() {
        List<Chart> charts = report().charts();

        assertEquals(
                List.of("cow-4k-api", "cow-4k-nbd", "cow-4k-api-direct"),
                charts.stream().map(Chart::key).toList());
        assertEquals(List.of(2, 2, 1), charts.stream().map(it -> it.rows().size()).toList());
        assertEquals(2, report().rounds());
    }

    @Test
    void allIsComparedWithOurRawOnTheSameWay() {
        Row qcow2 = report().charts().get(0).rows().get(1);
        Row qemu = report().charts().get(1).rows().get(1);

        assertEquals(new Spread(0.25, 0.25, 0.25), qcow2.firstToRaw());
        assertEquals(new Spread(0.5, 0.5, 0.5), qcow2.firstToRawsFirst());
        assertEquals(new Spread(0.5, 0.5, 0.5), qcow2.againToRaw());
        assertEquals(new Spread(0.5, 0.5, 0.5), qcow2.firstToAgain());
        assertEquals(new Spread(0.3, 0.2, 0.4), rounded(qemu.againToRaw()));
    }

    private static Spread rounded(Spread spread) {
        return new Spread(Math.round(spread.median() * 100) / 100.0, spread.least(), spread.most());
    }

    @Test
    void theTextHasATableForEachChart() {
        String text = report().toText();

        assertTrue(text.contains("\nFirst writes against rewrites\n"), text);
        assertTrue(
                text.contains("4k sequential writes, through the API, one thread, page cache warm"),
                text);
        assertTrue(text.contains("0.25 (0.25-0.25)"), text);
        assertTrue(text.contains("  qemu-nbd: raw  "), text);
        assertTrue(text.contains("not measured: something <else>\nRounds: 2;"), text);
    }

    @Test
    void theJsonHasEveryRound() {
        var json = FlatJson.read(report().toJson());

        assertEquals("2", json.get("rounds"));
        assertEquals("cow", json.get("charts.0.figure"));
        assertEquals("none", json.get("charts.0.rows.1.variant"));
        assertEquals("550.0", json.get("charts.0.rows.1.first.1"));
        assertEquals("1000.0", json.get("charts.0.rows.1.again.0"));
        assertEquals("0.2500", json.get("charts.0.rows.1.ratios.first-to-raw.median"));
        assertEquals("qemu", json.get("charts.1.rows.1.server"));
        assertEquals("25.0", json.get("charts.1.rows.0.young.0"));
        assertFalse(json.containsKey("charts.1.rows.1.young.0"), "qemu-nbd compiles nothing");
        assertEquals("on", json.get("charts.2.direct"));
        assertEquals("something <else>", json.get("not-measured.0"));
    }

    @Test
    void thePageNeedsNothingElseAndEscapesWhatItSays() {
        String page = report().toHtml();

        assertTrue(page.startsWith("<!DOCTYPE html>\n<html lang=\"en\">"), page);
        assertTrue(page.contains("gaur bench figures --folder &lt;&amp;&gt;"), page);
        assertTrue(page.contains("&lt;fast&gt;"), page);
        assertTrue(page.contains("something &lt;else&gt;"), page);
        for (String other :
                List.of("<script", "<link", "<img", "src=", "url(", "@import", "http")) {
            assertFalse(page.contains(other), other);
        }
        assertEquals(3, page.split("<svg viewBox=\"0 0 9", -1).length - 1);
        assertEquals(4, page.split("<table>", -1).length - 1, "one for the machine, too");
    }
}
