package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.OpenRequest;
import dev.gaur.mem.BufferPool;
import dev.gaur.storage.CacheMode;
import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * {@code gaur bench}: measures requests to an image, made by as many threads as are in parallel.
 */
final class BenchCommand implements Command {
    private static final Option COUNT =
            Option.valued("c", "count", "COUNT", "how many requests; 75000");
    private static final Option DEPTH =
            Option.valued("d", "depth", "DEPTH", "how many at the same time; 64");
    private static final Option SIZE =
            Option.valued("s", "buffer-size", "SIZE", "bytes of each request; 4k");
    private static final Option STEP =
            Option.valued("S", "step-size", "SIZE", "from one request to the next; its size");
    private static final Option START =
            Option.valued("o", "offset", "OFFSET", "where to begin; the start of the disk");
    private static final Option WRITE = Option.flag("w", "write", "write instead of read");
    private static final Option PATTERN =
            Option.valued("", "pattern", "BYTE", "what is written; 0");
    private static final Option INTERVAL =
            Option.valued("", "flush-interval", "COUNT", "flush after so many requests");
    private static final Option NO_DRAIN =
            Option.flag("", "no-drain", "flush beside running requests");
    private static final Option AIO =
            Option.valued("i", "aio", "MODE", "threads, native or io_uring; no effect here");
    private static final Option NATIVE_AIO = Option.flag("n", "native", "as -i native");

    private static final int COUNT_DEFAULT = 75_000;
    private static final int DEPTH_DEFAULT = 64;
    private static final int DEPTH_MAX = 4096;

    @Override
    public String name() {
        return "bench";
    }

    @Override
    public String summary() {
        return "measure requests to an image";
    }

    @Override
    public String operands() {
        return "FILE";
    }

    @Override
    public String details() {
        return "'gaur bench figures' measures qcow2 against raw, and draws figures.";
    }

    @Override
    public List<Option> options() {
        return List.of(
                COUNT,
                DEPTH,
                Options.FORMAT,
                PATTERN,
                INTERVAL,
                NO_DRAIN,
                AIO,
                NATIVE_AIO,
                START,
                Options.QUIET,
                SIZE,
                STEP,
                CacheOption.OPTION,
                WRITE,
                Options.SHARED,
                Options.IMAGE_OPTS,
                Options.OBJECT);
    }

    @Override
    public @Nullable Command sub(String word) {
        return word.equals("figures") ? new FiguresCommand() : null;
    }

    /**
     * What is measured.
     *
     * @param interval requests between flushes, 0 for none
     */
    private record Plan(
            long count,
            int depth,
            long size,
            long step,
            long start,
            boolean write,
            byte pattern,
            long interval,
            boolean drain) {}

    @Override
    public int run(Invocation call) {
        Plan plan = plan(call);
        String file = call.onlyOperand("Expecting one image file name");
        require(
                plan.interval == 0 || plan.write,
                "--flush-interval is only available in write tests");
        require(
                plan.interval == 0 || plan.interval >= plan.depth,
                "Flush interval can't be smaller than depth");
        OpenRequest request =
                Options.request(call, Options.FORMAT)
                        .withWritable(plan.write)
                        .withCache(cache(call))
                        .with(OpenRequest.Extra.NATIVE_AIO, nativeAio(call));
        try (BlockDevice disk = ChangedImage.open(call, file, request)) {
            call.out().print(describe(plan));
            long begin = System.nanoTime();
            new Work(disk, plan).run();
            double seconds = (System.nanoTime() - begin) / 1e9;
            call.out().print("Run completed in " + threeDecimals(seconds) + " seconds.\n");
        }
        return 0;
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new CommandException(otherwise);
        }
    }

    private static Plan plan(Invocation call) {
        long count = number(call, COUNT, COUNT_DEFAULT, Integer.MAX_VALUE, "request count");
        long depth = number(call, DEPTH, DEPTH_DEFAULT, DEPTH_MAX, "queue depth");
        require(depth > 0, "Invalid queue depth specified"); // QEMU takes 0, and never ends.
        long size = size(call, SIZE, "buffer size", 4096);
        long step = size(call, STEP, "step_size", 0);
        long start = call.size(START, "offset", 0);
        long pattern = number(call, PATTERN, 0, 0xff, "pattern byte");
        long interval = number(call, INTERVAL, 0, Integer.MAX_VALUE, "flush interval");
        return new Plan(
                count,
                (int) depth,
                size,
                step == 0 ? size : step,
                start,
                call.has(WRITE),
                (byte) pattern,
                interval,
                !call.has(NO_DRAIN));
    }

    private static long number(
            Invocation call, Option option, long otherwise, long most, String what) {
        if (!call.has(option)) {
            return otherwise;
        }
        Long number = IoReport.cNumber(call.value(option, ""));
        if (number == null || number < 0 || number > most) {
            throw new CommandException("Invalid " + what + " specified");
        }
        return number;
    }

    private static long size(Invocation call, Option option, String what, long otherwise) {
        if (!call.has(option)) {
            return otherwise;
        }
        String text = call.value(option, "");
        try {
            long size = Sizes.parse(text);
            if (size <= Integer.MAX_VALUE) {
                return size;
            }
        } catch (SizeException wrong) {
            if (!wrong.outOfRange()) {
                return call.size(text, what); // Which refuses it.
            }
        }
        throw new CommandException(
                "Invalid " + what + " specified. Must be between 0 and 2147483647.");
    }

    private static CacheMode cache(Invocation call) {
        return CacheMode.named(call.value(CacheOption.OPTION, "writeback"))
                .orElseThrow(() -> new CommandException("Invalid cache mode"));
    }

    private static boolean nativeAio(Invocation call) {
        String mode = call.value(AIO, "threads");
        require(
                List.of("threads", "native", "io_uring").contains(mode),
                "Invalid aio option: " + mode);
        return call.has(NATIVE_AIO) || mode.equals("native");
    }

    private static String describe(Plan plan) {
        String flushes =
                plan.interval == 0 ? "" : "Sending flush every " + plan.interval + " requests\n";
        return "Sending "
                + plan.count
                + (plan.write ? " write" : " read")
                + " requests, "
                + plan.size
                + " bytes each, "
                + plan.depth
                + " in parallel (starting at offset "
                + plan.start
                + ", step size "
                + plan.step
                + ")\n"
                + flushes;
    }

    private static String threeDecimals(double seconds) {
        return new BigDecimal(seconds).setScale(3, RoundingMode.HALF_EVEN).toPlainString();
    }

    /** The requests of one measurement. */
    private static final class Work {
        private final BlockDevice disk;
        private final Plan plan;
        private final AtomicLong next = new AtomicLong();
        private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

        Work(BlockDevice disk, Plan plan) {
            this.disk = disk;
            this.plan = plan;
        }

        void run() {
            boolean rounds = plan.interval > 0 && plan.drain;
            for (long end = 0; end < plan.count && failure.get() == null; ) {
                end = rounds ? Math.min(plan.count, end + plan.interval) : plan.count;
                runUntil(end);
                if (rounds && end % plan.interval == 0) {
                    disk.flush();
                }
            }
            RuntimeException thrown = failure.get();
            if (thrown instanceof IndexOutOfBoundsException || thrown instanceof BlockException) {
                throw new CommandException("Failed request: " + IoReport.reason(thrown));
            }
            if (thrown != null) {
                throw thrown;
            }
        }

        private void runUntil(long end) {
            Phaser done = new Phaser(1);
            List<Thread> threads = new ArrayList<>();
            for (long i = Math.min(plan.depth, end - next.get()); i > 0; i--) {
                done.register();
                threads.add(Thread.ofPlatform().daemon().unstarted(() -> work(end, done)));
            }
            threads.forEach(Thread::start);
            done.awaitAdvance(done.arrive());
        }

        private void work(long end, Phaser done) {
            try {
                MemorySegment buffer =
                        BufferPool.allocate(Math.max(1, plan.size)).asSlice(0, plan.size);
                buffer.fill(plan.pattern);
                for (long i = take(end); i >= 0 && failure.get() == null; i = take(end)) {
                    request(i, buffer);
                }
            } catch (RuntimeException thrown) {
                failure.compareAndSet(null, thrown);
            } finally {
                done.arriveAndDeregister();
            }
        }

        /** Returns the number of the next request, -1 if there is none. */
        private long take(long end) {
            long taken = next.getAndUpdate(number -> number < end ? number + 1 : number);
            return taken < end ? taken : -1;
        }

        private void request(long index, MemorySegment buffer) {
            long length = disk.length();
            long offset = plan.start;
            if (index > 0 && length > 0) { // Behind the end it goes on at the start.
                offset = (plan.start + index * plan.step) % length;
            }
            if (!plan.write) {
                disk.read(offset, buffer);
                return;
            }
            disk.write(offset, buffer, Durability.CACHED);
            if (plan.interval > 0 && !plan.drain && (index + 1) % plan.interval == 0) {
                disk.flush();
            }
        }
    }
}
