package dev.gaur.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.StorageOptions;
import dev.gaur.testkit.GrowingStorageContract;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What both ways to a file promise. */
abstract class FileContract extends GrowingStorageContract {
    private static final StorageOptions SHARED = new StorageOptions(false, false, true);

    @TempDir Path folder = Path.of("");
    private int files;

    abstract FileDriver driver();

    @Override
    protected StorageNode storage(long length) {
        return driver().create(folder.resolve("file" + files++).toString(), length);
    }

    private String file(byte... content) throws Exception {
        return Files.write(folder.resolve("given"), content).toString();
    }

    @Test
    void opensWhatIsThere() throws Exception {
        try (StorageNode storage = driver().open(file((byte) 3, (byte) 4), StorageOptions.READ)) {
            assertEquals(2, storage.length());
            assertArrayEquals(new byte[] {3, 4}, TestBytes.read(storage, 0, 2));
        }
    }

    @Test
    void aReservationChangesNothingAndIsGivenBack() throws Exception {
        try (StorageNode storage = driver().open(file((byte) 3, (byte) 4), StorageOptions.WRITE)) {
            storage.reserve(0, 1 << 20);
            storage.reserve(1L << 40, 1L << 60); // More than there is.
            assertEquals(2, storage.length());
            assertArrayEquals(new byte[] {3, 4}, TestBytes.read(storage, 0, 2));
            storage.resize(2);
            assertArrayEquals(new byte[] {3, 4}, TestBytes.read(storage, 0, 2));
            assertTrue(storage.allocatedBytes() <= 64 << 10, "" + storage.allocatedBytes());
        }
    }

    @Test
    void openedForReadingIsReadOnly() throws Exception {
        try (StorageNode storage = driver().open(file((byte) 3), StorageOptions.READ)) {
            MemorySegment bytes = MemorySegment.ofArray(new byte[1]);
            assertThrows(
                    BlockException.Denied.class, () -> storage.write(0, bytes, Durability.CACHED));
            assertThrows(BlockException.Denied.class, () -> storage.resize(0));
        }
    }

    @Test
    void aMissingFileIsNamedInTheWordsOfTheSystem() {
        String nowhere = folder.resolve("nowhere").toString();
        BlockException.Media error =
                assertThrows(
                        BlockException.Media.class,
                        () -> driver().open(nowhere, StorageOptions.READ));
        assertEquals(2, error.errno());
        assertEquals(nowhere + ": No such file or directory", error.getMessage());
    }

    @Test
    void aFolderIsRefusedInTheWordsOfQemu() {
        BlockException.Media error =
                assertThrows(
                        BlockException.Media.class,
                        () -> driver().open(folder.toString(), StorageOptions.READ));
        assertEquals("'file' driver requires '" + folder + "' to be a regular file", error.found());
    }

    @Test
    void aPipeIsRefusedWithoutWaitingForItsWriter() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        assertThrows(
                BlockException.Media.class,
                () -> driver().open(pipe.toString(), StorageOptions.READ));
    }

    @Test
    void aFileThatWasCutMeanwhileSaysWhereItEnds() throws Exception {
        String file = file(new byte[10_000]);
        try (StorageNode storage = driver().open(file, SHARED)) {
            Files.write(Path.of(file), new byte[5_000]);
            BlockException.Media error =
                    assertThrows(
                            BlockException.Media.class, () -> TestBytes.read(storage, 0, 10_000));
            assertEquals(5_000, error.offset());
        }
    }

    @Test
    void readersShareAFile() throws Exception {
        String file = file((byte) 1);
        try (StorageNode first = driver().open(file, StorageOptions.READ);
                StorageNode second = driver().open(file, StorageOptions.READ)) {
            first.excludeWriters();
            second.excludeWriters();
            assertArrayEquals(new byte[] {1}, TestBytes.read(second, 0, 1));
        }
    }

    @Test
    void aWriterIsRefusedWhileAReaderNeedsTheFileToHoldStill() throws Exception {
        String file = file((byte) 1);
        try (StorageNode reader = driver().open(file, StorageOptions.READ)) {
            reader.excludeWriters();
            BlockException.Busy busy =
                    assertThrows(
                            BlockException.Busy.class,
                            () -> driver().open(file, StorageOptions.WRITE));
            assertTrue(busy.found().startsWith("Failed to get \"write\" lock"), busy.found());
        }
        driver().open(file, StorageOptions.WRITE).close();
    }

    @Test
    void aReaderThatNeedsTheFileToHoldStillIsRefusedWhileThereIsAWriter() throws Exception {
        String file = file((byte) 1);
        try (StorageNode writer = driver().open(file, StorageOptions.WRITE);
                StorageNode reader = driver().open(file, StorageOptions.READ)) {
            BlockException.Busy busy =
                    assertThrows(BlockException.Busy.class, reader::excludeWriters);
            assertTrue(
                    busy.found().startsWith("Failed to get shared \"write\" lock"), busy.found());
            assertTrue(writer.writable());
        }
    }

    @Test
    void sharedOpeningIgnoresLocks() throws Exception {
        String file = file((byte) 1);
        try (StorageNode writer = driver().open(file, StorageOptions.WRITE)) {
            writer.excludeWriters();
            driver().open(file, SHARED).close();
            assertThrows(
                    BlockException.Busy.class, () -> driver().open(file, StorageOptions.WRITE));
        }
    }

    @Test
    void aFileInUseIsNotCreatedAnew() throws Exception {
        String file = file((byte) 1);
        try (StorageNode writer = driver().open(file, StorageOptions.WRITE)) {
            assertThrows(BlockException.Busy.class, () -> driver().create(file, 5));
            assertEquals(1, Files.size(Path.of(file)), "file of " + writer.name());
        }
    }

    @Test
    void closingEndsTheLocks() throws Exception {
        String file = file((byte) 1);
        StorageNode first = driver().open(file, StorageOptions.WRITE);
        first.excludeWriters();
        first.close();
        try (StorageNode second = driver().open(file, StorageOptions.WRITE)) {
            second.excludeWriters();
        }
    }

    @Test
    void closingWhileOthersReadHarmsNobody() throws Exception {
        String file = file(new byte[100_000]);
        StorageNode storage = driver().open(file, StorageOptions.READ);
        CountDownLatch reading = new CountDownLatch(1);
        Thread reader =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        while (true) {
                                            TestBytes.read(storage, 0, 100_000);
                                            reading.countDown();
                                        }
                                    } catch (BlockException.Denied closed) {
                                        // What it waits for.
                                    }
                                });
        reading.await();
        storage.close();
        reader.join();
    }

    @Test
    void aThreadInterruptedAgainAndAgainReadsOn() throws Exception {
        String file = file(new byte[1 << 20]);
        try (StorageNode storage = driver().open(file, StorageOptions.READ)) {
            storage.excludeWriters();
            Thread reader =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int round = 0; round < 300; round++) {
                                            TestBytes.read(storage, 0, 1 << 20);
                                        }
                                    });
            while (reader.isAlive()) {
                reader.interrupt();
                Thread.onSpinWait();
            }
            assertArrayEquals(new byte[512], TestBytes.read(storage, 0, 512));
            assertThrows(
                    BlockException.Busy.class, () -> driver().open(file, StorageOptions.WRITE));
        }
    }
}
