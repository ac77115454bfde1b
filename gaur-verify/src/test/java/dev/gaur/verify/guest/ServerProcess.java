package dev.gaur.verify.guest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Servers in a JVM of their own, with the classes that are being tested. */
final class ServerProcess {
    private ServerProcess() {}

    /** Starts {@code gaur serve}; returns when it listens. */
    static Console serve(Path socket, Path image) {
        List<Object> arguments = List.of("serve", "-k", socket, image);
        Console started = java("gaur serve", List.of(), "dev.gaur.cli.Main", arguments);
        started.await("listening");
        return started;
    }

    /** Starts a main class, with options for its JVM. */
    static Console java(
            String name, List<String> options, String mainClass, List<Object> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-ea", "-XX:+UseSerialGC", "-XX:-UsePerfData"));
        command.addAll(options);
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", classPath()));
        command.add(mainClass);
        arguments.forEach(argument -> command.add(argument.toString()));
        return Console.start(name, new ProcessBuilder(command));
    }

    /** Surefire hides the class path in a jar's manifest and says the real one here. */
    private static String classPath() {
        return System.getProperty(
                "surefire.test.class.path", System.getProperty("java.class.path"));
    }
}
