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
                plan.addAll(plan(selection, figure, cache, ways));
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
        if (ways.isEmpty()) {
            throw new FiguresException("nothing can be measured: " + String.join("; ", leftOut));
        }
        return ways;
    }

    /** With each kind of requests all kinds of images take turns, and with each both servers. */
    private List<Measured> plan(
            Selection selection, Figure figure, CacheMode cache, List<Way> ways) {
        List<Measured> inside = new ArrayList<>();
        List<Measured> served = new ArrayList<>();
        for (Pattern pattern : figure.patterns()) {
            for (Variant variant : figure.variants()) {
                if (!selection.has(figure, pattern, variant) || !isPossible(variant)) {
                    continue;
                }
                for (Way way : ways) {
                    if (way != Way.QEMU || variant.peers()) {
                        (way.isServed() ? served : inside)
                                .add(new Measured(figure, cache, way, variant, pattern));
                    }
                }
            }
        }
        inside.addAll(served);
        return inside;
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
            for (int i = 0; i < plan.size(); i++) {
                if (budget.isOver() && done > 0) {
                    leaveOut(plan, round, i);
                    return;
                }
                Measured what = plan.get(i);
                watcher.at(done, total, what.title());
                Sample sample = what.way() == Way.API ? api.measure(what) : nbd.measure(what);
                results.computeIfAbsent(what, _ -> new ArrayList<>()).add(sample);
                done++;
            }
        }
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
