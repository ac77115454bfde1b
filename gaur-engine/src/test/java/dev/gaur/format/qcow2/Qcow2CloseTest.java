package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageWrapper;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What an image has open is closed, once, whatever fails. */
class Qcow2CloseTest {
    private static final int SIZE = 1 << 20;
    private static final int EIO = 5;

    /** Counts how often it is closed. */
    private static final class Counted extends StorageWrapper {
        private final AtomicInteger closes = new AtomicInteger();
        private boolean failsToClose;
        private boolean failsToWrite;
        private boolean isBroken;

        Counted(StorageNode real) {
            super(real);
        }

        @Override
        public boolean writable() {
            if (isBroken) {
                throw new IllegalStateException("broken");
            }
            return super.writable();
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (failsToWrite) {
                throw new BlockException.Media(name(), "write", offset, "worn out", EIO, null);
            }
            super.write(offset, source, durability);
        }

        @Override
        public void close() {
            closes.incrementAndGet();
            if (failsToClose) {
                String found = "cannot close";
                throw new BlockException.Media(
                        name(), "", BlockException.NO_OFFSET, found, EIO, null);
            }
        }
    }

    private final Counted file = new Counted(new MemoryStorage("image", 0));
    private final Counted data = new Counted(new MemoryStorage("data", 0));
    private final Counted backing = new Counted(new MemoryStorage("base", SIZE));

    private void create(boolean withData) {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withBacking("base", "raw");
        if (withData) {
            ImageCreator.create(file, Optional.of(data), options.withDataFile("data", false));
        } else {
            ImageCreator.create(file, Optional.empty(), options);
        }
    }

    private Image open(Runnable withDataFile) {
        ReferenceOpener opener =
                new ReferenceOpener() {
                    @Override
                    public BlockNode backing(Reference reference) {
                        return backing;
                    }

                    @Override
                    public StorageNode dataFile(Reference reference) {
                        withDataFile.run();
                        return data;
                    }
                };
        return Qcow2Format.INSTANCE.open(file, FormatOptions.DEFAULT, opener);
    }

    private Image open() {
        return open(() -> {});
    }

    private static void write(Image image) {
        image.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.CACHED);
    }

    private List<Integer> closes() {
        return List.of(file.closes.get(), data.closes.get(), backing.closes.get());
    }

    @Test
    void oneThatCannotBeClosedKeepsNoOtherOpen() {
        create(true);
        Image image = open();
        write(image);
        file.failsToWrite = true;
        backing.failsToClose = true;
        data.failsToClose = true;
        var failure = assertThrows(BlockException.Media.class, image::close);
        assertEquals("worn out", failure.found());
        assertEquals(
                List.of("base: cannot close", "data: cannot close"),
                Arrays.stream(failure.getSuppressed()).map(Throwable::getMessage).toList());
        assertEquals(List.of(1, 1, 1), closes());
        image.close();
        assertEquals(List.of(1, 1, 1), closes());
    }

    @Test
    void ofManyThreadsThatCloseOnlyOneDoes() throws Exception {
        create(false);
        int threads = 4;
        CyclicBarrier start = new CyclicBarrier(threads);
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            for (int round = 1; round <= 300; round++) {
                Image image = open();
                List<Future<?>> closings =
                        Arrays.stream(new int[threads])
                                .<Future<?>>mapToObj(
                                        _ ->
                                                executor.submit(
                                                        () -> {
                                                            start.await();
                                                            image.close();
                                                            return image;
                                                        }))
                                .toList();
                for (Future<?> each : closings) {
                    each.get();
                }
                assertEquals(round, backing.closes.get());
            }
        }
    }

    @Test
    void anImageThatDoesNotOpenLeavesNothingOpen() {
        create(true);
        Runnable breakFile = () -> file.isBroken = true;
        assertThrows(IllegalStateException.class, () -> open(breakFile));
        assertEquals(List.of(0, 1, 1), closes());
    }

    @Test
    void whoComesAfterItWasClosedIsRefused() {
        create(false);
        Image image = open();
        write(image);
        var checker = image.checker().orElseThrow();
        var rebasing = image.rebasing().orElseThrow();
        image.close();
        file.failsToWrite = true;
        var denied =
                assertThrows(BlockException.Denied.class, () -> checker.check(CheckListener.NONE));
        assertEquals("is closed", denied.found());
        assertThrows(BlockException.Denied.class, () -> rebasing.setBacking("", ""));
    }
}
