package dev.gaur.cli.figures;

import dev.gaur.storage.CacheMode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.LongSupplier;

/**
 * Measures all that is wanted, round by round, each round in the same order, so that what the
 * machine does meanwhile meets all alike. Ends when the time is over; but one measurement is always
 * made.
 */
public final class FigureRun {
    private final Settings settings;
    private final Watcher watcher;
    private final Budget budget;
    private final Images images;
    private final ApiRunner api;
    private final NbdRunner nbd;
    private final SequencedMap<Measured, List<Sample>> results = new LinkedHashMap<>();
    private final List<String> leftOut = new ArrayList<>();
    private final Map<String, String> problems = new LinkedHashMap<>();
    private int done;

    private FigureRun(
            Settings settings,
            GaurCommands gaur,
            Watcher watcher,
            Workplace place,
            LongSupplier nanos) {
        this.settings = settings;
        this.watcher = watcher;
        this.budget = new Budget(nanos, settings.seconds() * 1_000_000_000L);
        this.images = new Images(place, gaur, settings);
        this.api = new ApiRunner(images, settings);
        this.nbd = new NbdRunner(place, images, settings);
    }

    /**
     * Measures.
     *
     * @throws FiguresException if it cannot be done as the settings want it
     * @throws dev.gaur.block.BlockException if an image cannot be used: the disk may be full
     */
    public static Report run(Settings settings, GaurCommands gaur, Watcher watcher) {
        return run(settings, gaur, watcher, System::nanoTime);
    }

    /** The same with a clock. */
    static Report run(Settings settings, GaurCommands gaur, Watcher watcher, LongSupplier nanos) {
        Instant taken = Instant.now();
        Selection selection = new Selection(settings.chosen(), Catalogue.all());
        try (Workplace place = Workplace.in(settings.folder(), settings.space())) {
            FigureRun run = new FigureRun(settings, gaur, watcher, place, nanos);
            place.orInterrupted(
                    () -> {
                        List<Measured> plan = run.plan(selection);
                        run.warmUp(plan);
                        run.measure(plan);
                    });
            return new Report(
                    settings,
                    Machine.here(settings.folder()),
                    taken,
                    run.budget.seconds(),
                    Report.charts(run.results),
                    List.copyOf(run.leftOut));
        }
    }

    private List<Measured> plan(Selection selection) {
        List<Measured> plan = new ArrayList<>();
        List<Way> ways = ways();
        for (Figure figure : Catalogue.all()) {
            for (CacheMode cache : settings.caches()) {
                for (Way way : ways) {
                    plan.addAll(plan(selection, figure, cache, way));
                }
            }
        }
        return plan;
    }

    /** Ways that can be taken here. */
    private List<Way> ways() {
        List<Way> ways = new ArrayList<>();
        for (Way way : Way.values()) {
            if (!settings.ways().contains(way.key())) {
                continue;
            }
            if (way.isServed() && Tools.find("fio").isEmpty()) {
                leftOut.add("all through " + way.title() + ": fio is not installed");
            } else if (way == Way.QEMU && Tools.find("qemu-nbd").isEmpty()) {
                leftOut.add("all through qemu-nbd, which is not installed");
            } else {
                ways.add(way);
            }
        }
        return ways;
    }

    /** In the API all kinds of images take turns with each kind of requests. */
    private List<Measured> plan(Selection selection, Figure figure, CacheMode cache, Way way) {
        List<Measured> plan = new ArrayList<>();
        for (Variant variant : figure.variants()) {
            for (Pattern pattern : figure.patterns()) {
                if (selection.has(figure, pattern, variant)
                        && (way != Way.QEMU || variant.peers())
                        && isPossible(variant)) {
                    plan.add(new Measured(figure, cache, way, variant, pattern));
                }
            }
        }
        if (way == Way.API) {
            plan.sort((a, b) -> order(figure, a.pattern()) - order(figure, b.pattern()));
        }
        return plan;
    }

    private static int order(Figure figure, Pattern pattern) {
        return figure.patterns().indexOf(pattern);
    }

    private boolean isPossible(Variant variant) {
        String options = variant.createOptions() + " " + variant.openOptions();
        if (!problems.containsKey(options)) {
            Optional<String> problem = images.problem(variant);
            problems.put(options, problem.orElse(""));
            problem.ifPresent(text -> leftOut.add(variant.title() + ": " + text));
        }
        return String.valueOf(problems.get(options)).isEmpty();
    }

    /** Has the JVM compile what is hot, before anything counts. */
    private void warmUp(List<Measured> plan) {
        if (settings.quick()) {
            return;
        }
        for (Measured what : plan) {
            if (what.way() == Way.API && !budget.isOver()) {
                watcher.at(0, plan.size() * settings.rounds(), "warming up: " + what.title());
                api.warmUp(what);
            }
        }
    }

    private void measure(List<Measured> plan) {
        int total = plan.size() * settings.rounds();
        for (int round = 0; round < settings.rounds(); round++) {
            for (int i = 0; i < plan.size(); ) {
                int end = i + 1;
                while (end < plan.size() && plan.get(i).sharesServer(plan.get(end))) {
                    end++;
                }
                if (budget.isOver() && done > 0) {
                    leaveOut(plan, round, i);
                    return;
                }
                measureBatch(plan.subList(i, end), total);
                i = end;
            }
        }
    }

    private void measureBatch(List<Measured> batch, int total) {
        Measured first = batch.getFirst();
        watcher.at(done, total, first.title());
        if (first.way() == Way.API) {
            add(first, api.measure(first));
        } else {
            nbd.measure(
                    batch,
                    (what, sample) -> {
                        add(what, sample);
                        watcher.at(done, total, what.title());
                    });
        }
    }

    private void add(Measured what, Sample sample) {
        results.computeIfAbsent(what, _ -> new ArrayList<>()).add(sample);
        done++;
    }

    private void leaveOut(List<Measured> plan, int round, int from) {
        if (round > 0) {
            leftOut.add(
                    "rounds after "
                            + round
                            + (from == 0 ? "" : " and a part")
                            + ": the time was over");
            return;
        }
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (Measured what : plan.subList(from, plan.size())) {
            counts.merge(what.figure().key() + ", " + what.way().title(), 1, Integer::sum);
        }
        counts.forEach(
                (name, count) ->
                        leftOut.add(
                                name
                                        + ": "
                                        + (count == 1 ? "1 case" : count + " cases")
                                        + ": the time was over"));
    }
}
