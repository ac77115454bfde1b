package dev.gaur.storage;

import dev.gaur.block.BlockException;
import java.nio.file.Path;

/**
 * The gate for everything that an image names (invariant Q12). Called before anything is opened,
 * with the path that the name resolves to.
 */
@FunctionalInterface
public interface OpenPolicy {
    /**
     * Lets a reference pass or throws.
     *
     * @param reference what the image says
     * @param resolved the absolute path that would be opened, symbolic links followed
     * @throws BlockException.Denied if it must not be opened
     */
    void check(Reference reference, Path resolved);

    /** Follows every reference to a local file, as qemu-img does. */
    static OpenPolicy followLocalFiles() {
        return (reference, resolved) -> {};
    }

    /** Follows nothing: an image that refers to another file does not open. */
    static OpenPolicy refuse() {
        return (reference, resolved) -> {
            throw new BlockException.Denied(
                    reference.fromImage(),
                    reference.kind().text(),
                    "'" + reference.name() + "' is not followed: the open policy forbids it");
        };
    }

    /**
     * Follows references to files that really lie in a folder or below it; symbolic links are
     * resolved first.
     */
    static OpenPolicy within(Path folder) {
        return new WithinFolder(folder);
    }
}
