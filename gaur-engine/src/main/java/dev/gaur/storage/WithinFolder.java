package dev.gaur.storage;

import dev.gaur.block.BlockException;
import java.io.IOException;
import java.nio.file.Path;

/** Lets pass what lies below one folder after all symbolic links are resolved. */
record WithinFolder(Path folder) implements OpenPolicy {
    @Override
    public void check(Reference reference, Path resolved) {
        if (!isInside(resolved)) {
            throw new BlockException.Denied(
                    reference.fromImage(),
                    reference.kind().text(),
                    "'" + reference.name() + "' lies outside " + folder);
        }
    }

    private boolean isInside(Path resolved) {
        try {
            return resolved.toRealPath().startsWith(folder.toRealPath());
        } catch (IOException _) {
            return false; // What cannot be resolved cannot be shown to lie inside.
        }
    }
}
