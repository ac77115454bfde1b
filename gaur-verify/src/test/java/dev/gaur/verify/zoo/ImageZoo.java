package dev.gaur.verify.zoo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The matrix of images, made by QEMU's programs once for each test run: creation options, contents,
 * and features that take several steps (see {@link Features}). Contents come from {@link #SEED}, so
 * a run can be repeated.
 */
public final class ImageZoo {
    /** The seed of everything random in the zoo: {@code -Dgaur.seed}, or a fixed one. */
    public static final long SEED = Long.getLong("gaur.seed", 20261122L);

    /** Whether the long run was asked for. */
    public static final boolean LONG = Boolean.getBoolean("gaur.long");

    /** Requests of each random script. */
    private static final int OPERATIONS = 24;

    private static final int PATTERN_BYTES = 65_521;

    private static @Nullable Path folder;

    private ImageZoo() {}

    /** Makes one exhibit in a folder of its own. */
    interface Recipe {
        Exhibit make(Path folder) throws IOException;
    }

    /** A recipe and what it is called. */
    record Plan(String name, Recipe recipe) {}

    /** Returns all images, made by the first call. */
    public static List<Exhibit> all() {
        return Built.ALL;
    }

    /** Builds once; if that fails, every test that asks fails at once. */
    private static final class Built {
        static final List<Exhibit> ALL = build();

        private static List<Exhibit> build() {
            Path root = folder();
            List<Plan> plans = new ArrayList<>();
            shapes(plans);
            Features.plan(plans, tree(root.resolve("tree-source")));
            return plans.stream().map(plan -> make(root, plan)).toList();
        }
    }

    /** Returns the exhibit of that name. */
    public static Exhibit named(String name) {
        return all().stream()
                .filter(exhibit -> exhibit.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no exhibit " + name));
    }

    /** A folder for this run that goes away with it. */
    public static synchronized Path folder() {
        if (folder == null) {
            try {
                Path made = Files.createTempDirectory("gaur-zoo");
                Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(made)));
                folder = made;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return folder;
    }

    /** Makes a folder below {@link #folder()}, with the pattern files that scripts want. */
    public static Path workshop(String name) {
        try {
            Path made = Files.createDirectories(folder().resolve(name.replace('/', '_')));
            Random random = new Random(SEED);
            byte[] noise = new byte[PATTERN_BYTES];
            random.nextBytes(noise);
            Files.write(made.resolve("noise"), noise);
            Files.write(made.resolve("words"), words(random));
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Text of few words: compresses to about a fifth, repeats nowhere in step with a cluster. */
    private static byte[] words(Random random) {
        byte[] text = new byte[PATTERN_BYTES];
        for (int at = 0; at < text.length; ) {
            String word = Integer.toString(random.nextInt(3000), 36) + ' ';
            for (int i = 0; i < word.length() && at < text.length; i++) {
                text[at++] = (byte) word.charAt(i);
            }
        }
        return text;
    }

    private static Exhibit make(Path root, Plan plan) {
        try {
            return plan.recipe()
                    .make(workshop(root.relativize(root.resolve(plan.name())).toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(plan.name(), e);
        }
    }

    private static void shapes(List<Plan> plans) {
        for (Shape shape : Shape.all()) {
            String empty = shape.name() + "/empty";
            plans.add(new Plan(empty, folder -> finish(empty, shape, create(folder, shape))));
            for (int i = 1; i <= (LONG ? 8 : 2); i++) {
                String name = shape.name() + "/script-" + i;
                plans.add(new Plan(name, folder -> scripted(name, folder, shape)));
            }
        }
    }

    private static Exhibit scripted(String name, Path folder, Shape shape) {
        Path image = create(folder, shape);
        Random random = new Random(SEED ^ name.hashCode());
        Peer.qemuIo(image, "qcow2", Script.random(random, shape, OPERATIONS));
        return finish(name, shape, image);
    }

    private static Exhibit finish(String name, Shape shape, Path image) {
        Exhibit exhibit = Exhibit.plain(name, image, "qcow2");
        return shape.hasDataFile() ? exhibit.referring() : exhibit;
    }

    /** Creates an empty image {@code image.qcow2} of a shape; returns its path. */
    public static Path create(Path folder, Shape shape) {
        return create(folder, shape, "image.qcow2");
    }

    /** Creates an empty image of a shape; a data file gets the image's name with {@code .data}. */
    public static Path create(Path folder, Shape shape, String file) {
        List<String> command = new ArrayList<>(List.of("qemu-img", "create", "-q", "-f", "qcow2"));
        if (!shape.options().isEmpty()) {
            command.add("-o");
            command.add(shape.options().replace("DATA", file + ".data"));
        }
        command.add(file);
        command.add(Long.toString(shape.size()));
        Peer.run(folder, command).ok();
        return folder.resolve(file);
    }

    /** A file system with real files in it, as a raw image. */
    private static Path tree(Path folder) {
        try {
            Files.createDirectories(folder);
            Path raw = folder.resolve("tree.raw");
            Path sources = Path.of(System.getProperty("gaur.root", ".."));
            String files = sources.resolve("gaur-engine/src/main").toString();
            Peer.must(folder, "mke2fs", "-q", "-t", "ext4", "-d", files, raw.toString(), "6M");
            return raw;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path root) {
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
