package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.storage.file.FileDriver;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewFileTest {
    private static final byte[] CONTENT = {1, 2, 3};

    @TempDir Path folder;

    private NewFile begin(Path path) {
        return NewFile.begin(FileDriver.fast(), path.toString());
    }

    private static void write(NewFile file) {
        file.storage().write(0, MemorySegment.ofArray(CONTENT), Durability.CACHED);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.toList();
        }
    }

    @Test
    void aFileAppearsWhenItIsCommitted() throws IOException {
        Path path = folder.resolve("disk");
        try (NewFile file = begin(path)) {
            write(file);
            assertFalse(Files.exists(path));
            file.commit(true);
        }
        assertArrayEquals(CONTENT, Files.readAllBytes(path));
        assertEquals(List.of(path), files());
    }

    @Test
    void nothingIsLeftOfAFileThatWasNotCommitted() throws IOException {
        try (NewFile file = begin(folder.resolve("disk"))) {
            write(file);
        }
        assertEquals(List.of(), files());
    }

    @Test
    void anExistingFileKeepsItsIdentityAndIsEmptyAfterAFailure() throws IOException {
        Path path = Files.write(folder.resolve("disk"), new byte[1000]);
        Path link = Files.createLink(folder.resolve("link"), path);
        try (NewFile file = begin(path)) {
            write(file);
            file.commit(false);
        }
        assertArrayEquals(CONTENT, Files.readAllBytes(link));
        try (NewFile file = begin(path)) {
            write(file);
        }
        assertEquals(0, Files.size(link));
    }

    @Test
    void anErrorNamesTheFileTheUserAskedFor() {
        String path = folder.resolve("no/disk").toString();
        BlockException error =
                assertThrows(
                        BlockException.Media.class, () -> NewFile.begin(FileDriver.fast(), path));
        assertTrue(error.getMessage().startsWith(path + ": "), error.getMessage());
    }
}
