package dev.gaur.verify.hostile;

import dev.gaur.verify.zoo.Specimen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Thousands of randomly damaged images, in a process of its own that has little memory: an
 * allocation that an image talked Gaur into ends the case as an {@link OutOfMemoryError}, whether
 * on the heap or outside. Writes what it finds into a report file.
 *
 * <p>Arguments: report file, first seed, number of cases, then paths of golden images. Each case is
 * one seed: {@code seed % images} picks the image, the seed itself the damage.
 */
public final class Campaign {
    /** Not a measure of speed: the end of an endless loop. */
    private static final int LIMIT_SECONDS = 20;

    /** The first line of a report without findings. */
    static final String CLEAN = "clean";

    private static final int FINDINGS_MOST = 10;

    /** Commands make files and wait for the disk: they see only some of the cases. */
    private static final int COMMANDS_EVERY = 10;

    private final Path report;
    private final List<Path> images;

    private Campaign(Path report, List<Path> images) {
        this.report = report;
        this.images = images;
    }

    /** Runs in the child process. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        List<Path> images = Arrays.stream(arguments).skip(3).map(Path::of).toList();
        Campaign campaign = new Campaign(Path.of(arguments[0]), images);
        long firstSeed = Long.parseLong(arguments[1]);
        campaign.run(firstSeed, Long.parseLong(arguments[2]));
    }

    private void run(long firstSeed, long cases) throws IOException, InterruptedException {
        int findings = 0;
        for (long seed = firstSeed; seed < firstSeed + cases && findings < FINDINGS_MOST; seed++) {
            long current = seed;
            FutureTask<Void> task =
                    new FutureTask<>(
                            () -> {
                                inflictAndExercise(current);
                                return null;
                            });
            Thread thread = new Thread(task);
            thread.setDaemon(true); // A case that does not end must not keep the process.
            thread.start();
            findings += outcome(task, thread, current);
        }
        if (findings == 0) {
            write(CLEAN + ": " + cases + " cases\n");
        }
    }

    private int outcome(FutureTask<Void> task, Thread thread, long seed)
            throws IOException, InterruptedException {
        try {
            await(task);
            return 0;
        } catch (TimeoutException _) {
            write(title(seed) + "does not end, is at\n" + trace(thread.getStackTrace()));
            return FINDINGS_MOST; // The thread goes on and would disturb the next cases.
        } catch (ExecutionException e) {
            StringBuilder text = new StringBuilder(title(seed));
            for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
                text.append(cause).append('\n').append(trace(cause.getStackTrace()));
            }
            write(text.toString());
            return 1;
        }
    }

    /** Counts in steps: time when the process was stopped is none. */
    private static void await(FutureTask<Void> task)
            throws InterruptedException, ExecutionException, TimeoutException {
        for (int second = 1; second < LIMIT_SECONDS && !task.isDone(); second++) {
            try {
                task.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException _) {
                // Goes on for some steps.
            }
        }
        task.get(1, TimeUnit.SECONDS);
    }

    private Path imageOf(long seed) {
        return images.get((int) Long.remainderUnsigned(seed, images.size()));
    }

    private String title(long seed) throws IOException {
        Specimen specimen = Specimen.read(imageOf(seed));
        List<String> damage = Damage.inflict(specimen, seed);
        return "seed " + seed + ", " + imageOf(seed) + ", " + damage + "\n";
    }

    private static String trace(StackTraceElement[] elements) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(elements.length, 12); i++) {
            text.append("    at ").append(elements[i]).append('\n');
        }
        return text.toString();
    }

    /** One case; throws what is wrong. */
    private void inflictAndExercise(long seed) throws IOException {
        Path golden = imageOf(seed);
        Specimen specimen = Specimen.read(golden);
        Damage.inflict(specimen, seed);
        Path victim = specimen.write(golden.resolveSibling("victim"));
        Path copy = golden.resolveSibling("victim-copy");
        if (seed % COMMANDS_EVERY == 0) {
            Exercise.all(victim, copy);
        } else {
            Exercise.byLibrary(victim, copy);
        }
        if (!Arrays.equals(specimen.bytes(), Files.readAllBytes(victim))) {
            throw new AssertionError("bytes of the image changed");
        }
    }

    private void write(String text) throws IOException {
        Files.write(
                report,
                text.getBytes(StandardCharsets.UTF_8),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}
