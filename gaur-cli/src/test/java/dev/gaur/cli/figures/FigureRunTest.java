package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Commanded;
import dev.gaur.storage.CacheMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs of the least size, through the API. */
class FigureRunTest {
    private static final long SECOND = 1_000_000_000;

    @TempDir Path folder;

    private final List<String> seen = new ArrayList<>();
    private final AtomicLong clock = new AtomicLong();

    private Settings settings(long seconds, int rounds, String... cases) {
        return new Settings(
                folder,
                seconds,
                Settings.SPACE_MIN,
                rounds,
                true,
                List.of(cases),
                List.of(CacheMode.WRITEBACK),
                Set.of("api"),
                "gaur bench figures");
    }

    /** Each measurement takes a second. */
    private Report run(Settings settings) {
        return FigureRun.run(
                settings,
                Commanded::run,
                (_, _, what) -> {
                    seen.add(what);
                    clock.addAndGet(SECOND);
                },
                clock::get);
    }

    private static List<Integer> samples(Report report) {
        return report.charts().stream()
                .flatMap(chart -> chart.rows().stream())
                .map(row -> row.samples().size())
                .toList();
    }

    @Test
    void everyRoundMeasuresAllInTheSameOrder() {
        Report report = run(settings(1000, 3, "cow/4k/over-raw"));

        assertEquals(List.of(3, 3), samples(report));
        assertEquals(seen.subList(0, 2), seen.subList(2, 4));
        assertEquals(seen.subList(0, 2), seen.subList(4, 6));
        assertEquals(6, seen.size());
        assertEquals(List.of(), report.leftOut());
        assertEquals(6, report.seconds());
    }

    @Test
    void allKindsOfImagesTakeTurnsWithEachKindOfRequests() {
        run(settings(1000, 1, "cow/4k/over-raw", "cow/64k/over-raw"));

        assertEquals(
                List.of("raw", "raw backing file", "raw", "raw backing file"),
                seen.stream().map(it -> it.split(", ", -1)[2]).toList());
    }

    @Test
    void nothingBeginsWhenTheTimeIsOver() {
        Report report = run(settings(3, 3, "cow/4k/over-raw"));

        assertEquals(List.of(2, 1), samples(report));
        assertEquals(3, seen.size());
        assertEquals(List.of("rounds after 1 and a part: the time was over"), report.leftOut());
    }

    @Test
    void whatTheFirstRoundDoesNotReachIsLeftOutAndSaidSo() {
        Report report = run(settings(1, 1, "cow/4k/over-raw", "cow/64k/none"));

        assertEquals(List.of(1), samples(report));
        assertEquals(
                List.of("cow, Gaur's API, one thread: 3 cases: the time was over"),
                report.leftOut());
    }

    @Test
    void withoutTimeOneMeasurementIsMade() {
        assertEquals(List.of(1), samples(run(settings(0, 2, "small"))));
    }

    @Test
    void everyKindOfImageCanBeMadeAndNothingIsLeft() {
        Report report = run(settings(1000, 1, "cow/64k", "cliff", "small/1m", "preallocation/64k"));

        assertEquals(4, report.charts().size());
        for (Chart chart : report.charts()) {
            for (Row row : chart.rows()) {
                assertTrue(row.again().median() > 0, row.label());
                assertEquals(row.hasFirst(), row.first().median() > 0, row.label());
            }
        }
        assertArrayEquals(new String[0], folder.toFile().list());
    }

    @Test
    void aFolderThatIsNotThereIsNamed() {
        Settings wrong = settings(1, 1);
        Path nowhere = folder.resolve("nowhere");
        Settings settings =
                new Settings(
                        nowhere,
                        wrong.seconds(),
                        wrong.space(),
                        1,
                        true,
                        List.of(),
                        wrong.caches(),
                        wrong.ways(),
                        "");

        var refusal = assertThrows(FiguresException.class, () -> run(settings));

        assertEquals("there is no folder '" + nowhere + "'", refusal.text());
    }

    @Test
    void aDiskWithTooLittleSpaceIsRefusedBeforeAnythingIsMade() {
        Settings few = settings(1, 1);
        Settings settings =
                new Settings(
                        folder,
                        1,
                        Long.MAX_VALUE,
                        1,
                        false,
                        List.of(),
                        few.caches(),
                        few.ways(),
                        "");

        var refusal = assertThrows(FiguresException.class, () -> run(settings));

        assertTrue(refusal.text().contains(" MiB are free in '" + folder + "'"), refusal.text());
        assertTrue(refusal.text().contains("--folder"), refusal.text());
        assertArrayEquals(new String[0], folder.toFile().list());
    }

    @Test
    void aFailureLeavesNothingBehind() {
        Settings settings = settings(1000, 1, "cow/4k/over-raw");

        assertThrows(
                FiguresException.class,
                () ->
                        FigureRun.run(
                                settings,
                                words -> {
                                    if (words[0].equals("create") && seen.size() > 1) {
                                        throw new FiguresException("no space left");
                                    }
                                    Commanded.run(words);
                                },
                                (_, _, what) -> seen.add(what),
                                clock::get));

        assertEquals(2, seen.size());
        assertArrayEquals(new String[0], folder.toFile().list());
    }
}
