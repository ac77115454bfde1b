package dev.gaur.format;

import dev.gaur.format.InspectionReport.Look;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Says what the name of a reference looks like. */
final class ReferenceLooks {
    private static final List<String> SYSTEM_FOLDERS = List.of("/dev", "/proc", "/sys");

    private ReferenceLooks() {}

    static Set<Look> of(String name) {
        Set<Look> looks = EnumSet.noneOf(Look.class);
        if (name.startsWith("json:")) {
            looks.add(Look.JSON);
        } else if (hasProtocol(name)) {
            looks.add(Look.PROTOCOL);
        }
        String path = name.startsWith("file:") ? name.substring("file:".length()) : name;
        if (path.startsWith("/")) {
            looks.add(Look.ABSOLUTE_PATH);
        }
        if (List.of(path.split("/")).contains("..")) {
            looks.add(Look.TRAVERSAL);
        }
        String squeezed = path.replaceAll("/+(\\./+)*", "/");
        if (SYSTEM_FOLDERS.stream().anyMatch(each -> isBelow(squeezed, each))) {
            looks.add(Look.DEVICE_NODE);
        }
        if (name.chars().anyMatch(c -> Character.isISOControl(c) || c == '\uFFFD')) {
            looks.add(Look.UNPRINTABLE);
        }
        return Set.copyOf(looks);
    }

    /** QEMU takes all before a colon for a protocol, unless a slash comes first. */
    private static boolean hasProtocol(String name) {
        int colon = name.indexOf(':');
        int slash = name.indexOf('/');
        return colon >= 0 && (slash < 0 || colon < slash);
    }

    private static boolean isBelow(String path, String folder) {
        return path.equals(folder) || path.startsWith(folder + "/");
    }
}
