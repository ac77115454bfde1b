package dev.gaur.verify.rules;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The working tree that the tests run in: what git tracks or would track. */
public final class Repository {
    private Repository() {}

    /** The folder with the parent POM, as the build says it. */
    public static Path root() {
        String root = System.getProperty("gaur.root");
        if (root == null) {
            throw new IllegalStateException("the build did not set gaur.root");
        }
        return Path.of(root);
    }

    /** All files that are tracked or new and not ignored, relative to the root, sorted. */
    public static List<String> files() {
        try {
            var git =
                    new ProcessBuilder(
                                    "git",
                                    "-c",
                                    "safe.directory=*",
                                    "ls-files",
                                    "-z",
                                    "--cached",
                                    "--others",
                                    "--exclude-standard",
                                    "--deduplicate")
                            .directory(root().toFile())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            String names = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (git.waitFor() != 0) {
                throw new IllegalStateException("git ls-files failed");
            }
            return names.isEmpty()
                    ? List.of()
                    : List.of(names.split("\0")).stream()
                            .filter(name -> Files.isRegularFile(root().resolve(name)))
                            .sorted()
                            .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The text of one file, name as in {@link #files()}. */
    public static String read(String name) {
        try {
            return Files.readString(root().resolve(name), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
