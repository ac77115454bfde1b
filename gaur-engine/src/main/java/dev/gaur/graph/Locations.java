package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.storage.OpenPolicy;
import dev.gaur.storage.Reference;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Names of files as QEMU writes them. Before a colon that comes before any slash stands a protocol;
 * {@code file:} is the only one here. What an image names is never taken for options, a URI or a
 * description of another node: CVE-2024-4467 was that.
 */
public final class Locations {
    private static final String FILE = "file:";

    private Locations() {}

    private static boolean hasProtocol(String name) {
        int colon = name.indexOf(':');
        int slash = name.indexOf('/');
        return colon >= 0 && (slash < 0 || colon < slash);
    }

    /**
     * The path of what a user names.
     *
     * @throws BlockException.Unsupported if the name is one for another driver
     */
    public static String ofUser(String location) {
        if (location.startsWith(FILE)) {
            return location.substring(FILE.length());
        }
        if (hasProtocol(location)) {
            String protocol = location.substring(0, location.indexOf(':'));
            throw new BlockException.Unsupported(
                    location, "", "Unknown protocol '" + protocol + "'");
        }
        return location;
    }

    /**
     * The path of what an image names: relative to the image's folder, but with {@code file:}
     * before it relative to the current one, as in QEMU.
     *
     * @param imageLocation the path of the image
     * @throws BlockException.Denied if the policy or the name itself forbids it
     */
    static String ofReference(Reference reference, String imageLocation, OpenPolicy policy) {
        String name = reference.name();
        try {
            String location = name;
            if (name.startsWith(FILE)) {
                location = name.substring(FILE.length());
            } else if (hasProtocol(name)) {
                throw denied(reference, "has a protocol");
            } else if (!name.startsWith("/")) {
                requireFolder(reference, imageLocation);
                location = beside(imageLocation, name);
            }
            policy.check(reference, real(location));
            return location;
        } catch (InvalidPathException _) {
            throw denied(reference, "is no name of a file");
        }
    }

    /** What is in no folder has no neighbours: an image that a server holds, say. */
    private static void requireFolder(Reference reference, String imageLocation) {
        if (imageLocation.isEmpty()) {
            throw denied(reference, "is relative to an image that is in no folder");
        }
    }

    private static BlockException.Denied denied(Reference reference, String reason) {
        return new BlockException.Denied(
                reference.fromImage(),
                reference.kind().text(),
                "'" + reference.name() + "' is not followed: it " + reason);
    }

    private static String beside(String imageLocation, String name) {
        int slash = imageLocation.lastIndexOf('/');
        return imageLocation.substring(0, slash + 1) + name;
    }

    /** Where opening would lead, links followed; what is not there needs no policy. */
    private static Path real(String location) {
        Path path = Path.of(location).toAbsolutePath();
        try {
            return path.toRealPath();
        } catch (IOException _) {
            return path.normalize();
        }
    }
}
