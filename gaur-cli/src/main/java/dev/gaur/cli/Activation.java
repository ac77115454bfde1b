package dev.gaur.cli;

import dev.gaur.net.Endpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Sockets that systemd, or who does as it does, has opened for this process. */
final class Activation {
    private static final int FIRST = 3;
    private static final int MOST = 1 << 10;

    private Activation() {}

    /** Returns the sockets for this process; none if there are none, or they are for another. */
    static List<Endpoint> endpoints() {
        Map<String, String> environment = System.getenv();
        long pid = number(environment.getOrDefault("LISTEN_PID", ""));
        long count = number(environment.getOrDefault("LISTEN_FDS", ""));
        List<Endpoint> endpoints = new ArrayList<>();
        if (pid > 0 && count > 0 && count <= MOST && isOurs(pid)) {
            for (int i = 0; i < count; i++) {
                endpoints.add(new Endpoint.Inherited(FIRST + i));
            }
        }
        return endpoints;
    }

    /** The launcher has looked at the number if it does not become this process. */
    private static boolean isOurs(long pid) {
        return Boolean.getBoolean("gaur.activated") || pid == ProcessHandle.current().pid();
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException _) {
            return -1;
        }
    }
}
